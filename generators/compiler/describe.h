// What a network is and needs, for people and for programs.
#pragma once

#include <string>

#include "generators/compiler/schedules.h"
#include "generators/language/architecture.h"

namespace castnet {

/// Returns a table of the layers, the memory that the network needs, and its pipelines with what is chosen of them.
std::string describe(const Architecture &architecture, const ScheduleTable &schedules);

/// Returns the same as JSON, whole: shapes as [rows, columns, channels], sizes in bytes, and each pipeline with its generator, its
/// GeneratorParams, its key in tables of schedules and what the table says. Nothing outside the compiler need derive a shape.
std::string describe_as_json(const Architecture &architecture, const ScheduleTable &schedules);

}  // namespace castnet

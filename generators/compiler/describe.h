// What a network is and needs, for people and for programs.
#pragma once

#include <Halide.h>

#include <string>

#include "generators/compiler/tables.h"
#include "generators/language/architecture.h"

namespace castnet {

/// Returns a line of the memory that the network needs.
std::string memory_line(const Architecture &architecture);

/// Returns a table of the layers, the memory that the network needs, and its pipelines with what is chosen of them.
std::string describe(const Architecture &architecture, const ScheduleTable &schedules);

/// Returns the same as JSON, whole: shapes as [rows, columns, channels], sizes in bytes, and each pipeline with its generator, its
/// GeneratorParams, its key in tables of schedules and what the tables say; also the target, the tables, and what a better table would be
/// called. Nothing outside the compiler need derive a shape.
std::string describe_as_json(const Architecture &architecture, const Halide::Target &target, const TargetSchedules &schedules);

}  // namespace castnet

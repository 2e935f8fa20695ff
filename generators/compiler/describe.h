// Describes a network and its needs, for people and for programs.
#pragma once

#include <string>

#include "generators/compiler/tables.h"
#include "generators/language/architecture.h"

namespace castnet {

/// Returns a line about the memory that the network needs.
std::string memory_line(const Architecture &architecture);

/// Returns a table of the layers, the memory that the network needs, and its pipelines with their schedules.
std::string describe(const Architecture &architecture, const ScheduleTable &schedules);

/// Returns all of that as JSON: shapes as [rows, columns, channels], sizes in bytes, and each pipeline with its generator, GeneratorParams,
/// key in tables of schedules and schedule. Adds the target, the tables that were read, and the level and kind that name tables. Nothing
/// outside the compiler need derive a shape.
std::string describe_as_json(const Architecture &architecture, const Level &level, const TargetSchedules &schedules);

}  // namespace castnet

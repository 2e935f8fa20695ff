// What `castnet compile` reports about a network.
#pragma once

#include <string>
#include <vector>

#include "generators/compiler/compile.h"
#include "generators/language/architecture.h"

namespace castnet {

/// Returns a line about the memory that the network needs, one with its levels if they are several, and for each target one with the number
/// of its tuned schedules and their tables if there are any.
std::string summary(const Architecture &architecture, const std::vector<CompileOptions::Target> &targets);

/// Returns a warning about schedules of the network that were tuned with another version of Halide; empty if there are none.
std::string outdated_schedules(const Architecture &architecture, const ScheduleTable &schedules);

}  // namespace castnet

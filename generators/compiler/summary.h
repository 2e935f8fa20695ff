// What `castnet compile` says of the network that it has compiled.
#pragma once

#include <string>

#include "generators/compiler/schedules.h"
#include "generators/language/architecture.h"

namespace castnet {

/// Returns a line of the memory that the network needs and, where there are any, one of how many pipelines have tuned schedules and from
/// which tables.
std::string summary(const Architecture &architecture, const ScheduleTable &schedules);

/// Returns what to warn of: schedules of the network's that were tuned with another Halide than this one. Empty where there are none.
std::string outdated_schedules(const Architecture &architecture, const ScheduleTable &schedules);

}  // namespace castnet

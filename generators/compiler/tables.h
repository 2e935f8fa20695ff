// Finds a target's tables of schedules. A folder has LEVEL.txt for all CPUs of a level, and CPU_KIND.txt for one kind of CPU.
#pragma once

#include <Halide.h>

#include <filesystem>
#include <string>
#include <vector>

#include "generators/compiler/schedules.h"

namespace castnet {

/// The schedules for a target, and where they come from.
struct TargetSchedules {
    ScheduleTable table;
    std::vector<std::filesystem::path> files;    ///< those that were read; each overrides the ones before
    std::vector<std::filesystem::path> folders;  ///< those that were searched
};

/// Reads the folders' tables for the target: that of its level and, if this CPU has that level, that of this kind of CPU. A later table
/// overrides an earlier one, pipeline by pipeline. A missing folder counts as empty. Throws Error.
TargetSchedules find_schedules(const std::vector<std::filesystem::path> &folders, const Halide::Target &target);

/// Returns the name of the table of what is measured on this CPU for the target: that of its kind, or where the target has another level,
/// that of the level. Empty if it has no name.
std::string measured_table(const Halide::Target &target);

}  // namespace castnet

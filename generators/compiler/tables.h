// Finds a target's tables of schedules. A folder has LEVEL.txt for all CPUs of a level, and CPU_KIND.txt for one kind of CPU.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "generators/compiler/level.h"
#include "generators/compiler/schedules.h"

namespace castnet {

/// The schedules for a target, and where they come from.
struct TargetSchedules {
    ScheduleTable table;
    std::vector<std::filesystem::path> files;    ///< those that were read; each overrides the ones before
    std::vector<std::filesystem::path> folders;  ///< those that were searched
};

/// Reads the folders' tables for the level: its own and, if it is this CPU's, that of this kind of CPU. One of several levels has only its
/// own, so that the library has the same bits wherever it is compiled. A later table overrides an earlier one, pipeline by pipeline. A
/// missing folder counts as empty. Throws Error.
TargetSchedules find_schedules(const std::vector<std::filesystem::path> &folders, const Level &level);

/// Returns the name of the table of what is measured on this CPU for the level: the last that find_schedules() reads. Empty if it has no
/// name.
std::string measured_table(const Level &level);

}  // namespace castnet

// Which tables of schedules a target gets. A folder has LEVEL.txt for every CPU of a level, and CPU_KIND.txt for one kind of CPU.
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
    std::vector<std::filesystem::path> files;    ///< those that were read, each laid over the ones before
    std::vector<std::filesystem::path> folders;  ///< those that were searched
};

/// Finds the schedules for the target: the folders' tables of its level and, where that is the level of the CPU at hand, of this kind of
/// CPU. What a later table says of a pipeline holds. A folder that is missing is empty. Throws Error.
TargetSchedules find_schedules(const std::vector<std::filesystem::path> &folders, const Halide::Target &target);

}  // namespace castnet

// Tables of tuned schedules. A line is
//
//     PIPELINE : GeneratorParams, or `default` : what was measured, Halide VERSION
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace castnet {

/// GeneratorParams by name; empty for the default, which follows from the shapes.
using Schedule = std::map<std::string, std::string>;

/// A line's schedule, and where it comes from.
struct TunedSchedule {
    Schedule schedule;
    std::string halide;  ///< the version that it was tuned with
    std::filesystem::path table;
};

/// Schedules by pipeline key.
using ScheduleTable = std::map<std::string, TunedSchedule>;

/// Reads a table. Throws Error with the file and line of a mistake.
ScheduleTable read_schedules(const std::filesystem::path &file);

}  // namespace castnet

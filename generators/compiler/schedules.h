// Tables of tuned schedules. A line is
//
//     PIPELINE : GeneratorParams, or `default` : what was measured, Halide VERSION
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace castnet {

/// GeneratorParams by name; empty where the shapes decide.
using Schedule = std::map<std::string, std::string>;

/// What a line says of its pipeline, and where it stands.
struct TunedSchedule {
    Schedule schedule;
    std::string halide;  ///< the version that it was tuned with
    std::filesystem::path table;
};

/// Schedules by the keys of their pipelines.
using ScheduleTable = std::map<std::string, TunedSchedule>;

/// Reads a table. Throws Error, with the line that is none.
ScheduleTable read_schedules(const std::filesystem::path &file);

}  // namespace castnet

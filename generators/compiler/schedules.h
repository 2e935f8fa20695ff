// Tables of tuned schedules, one for a kind of CPU. A line is
//
//     PIPELINE : GeneratorParams, or `default` : what was measured, Halide VERSION
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace castnet {

/// GeneratorParams by name; empty where the shapes decide.
using Schedule = std::map<std::string, std::string>;

/// Schedules by the keys of their pipelines.
using ScheduleTable = std::map<std::string, Schedule>;

/// Reads a table. Throws Error, with the line that is none.
ScheduleTable read_schedules(const std::filesystem::path &file);

/// The name of the kind of CPU at hand: vendor, family and model, and its vectors, which a hypervisor may hide, as in amd-23-1-avx2; empty
/// where it is not known.
std::string cpu_kind();

}  // namespace castnet

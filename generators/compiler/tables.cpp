#include "generators/compiler/tables.h"

#include "generators/compiler/level.h"

namespace castnet {
namespace {

bool is_of_this_cpu(const std::string &level) {
    return level == level_of(Halide::get_host_target());
}

/// Returns a table's name, or nothing for a level or kind that is not known.
std::string table_of(const std::string &name) {
    return name.empty() ? "" : name + ".txt";
}

}  // namespace

std::string measured_table(const Halide::Target &target) {
    const std::string level = level_of(target);
    return table_of(is_of_this_cpu(level) ? cpu_kind() : level);
}

TargetSchedules find_schedules(const std::vector<std::filesystem::path> &folders, const Halide::Target &target) {
    TargetSchedules found;
    for (const auto &folder : folders) {
        if (!std::filesystem::is_directory(folder)) continue;
        found.folders.push_back(folder);
        const std::string level = level_of(target);
        for (const std::string &name : {table_of(level), table_of(is_of_this_cpu(level) ? cpu_kind() : "")}) {
            if (name.empty() || !std::filesystem::exists(folder / name)) continue;
            found.files.push_back(folder / name);
            for (const auto &[key, schedule] : read_schedules(found.files.back())) found.table[key] = schedule;
        }
    }
    return found;
}

}  // namespace castnet

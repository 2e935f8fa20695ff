#include "generators/compiler/tables.h"

#include "generators/compiler/level.h"

namespace castnet {
namespace {

/// Returns the names of a folder's tables for the target.
std::vector<std::string> table_names(const Halide::Target &target) {
    const std::string level = level_of(target), kind = cpu_kind();
    const bool is_for_this_cpu = level == level_of(Halide::get_host_target());
    std::vector<std::string> names;
    if (!level.empty()) names.push_back(level + ".txt");
    if (!kind.empty() && is_for_this_cpu) names.push_back(kind + ".txt");
    return names;
}

}  // namespace

TargetSchedules find_schedules(const std::vector<std::filesystem::path> &folders, const Halide::Target &target) {
    TargetSchedules found;
    for (const auto &folder : folders) {
        if (!std::filesystem::is_directory(folder)) continue;
        found.folders.push_back(folder);
        for (const std::string &name : table_names(target)) {
            if (!std::filesystem::exists(folder / name)) continue;
            found.files.push_back(folder / name);
            for (const auto &[key, schedule] : read_schedules(found.files.back())) found.table[key] = schedule;
        }
    }
    return found;
}

}  // namespace castnet

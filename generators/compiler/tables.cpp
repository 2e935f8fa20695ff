#include "generators/compiler/tables.h"

namespace castnet {
namespace {

/// Returns a table's name, or nothing for a level or kind that is not known.
std::string table_of(const std::string &name) {
    return name.empty() ? "" : name + ".txt";
}

}  // namespace

std::string measured_table(const Level &level) {
    const std::string name = level_of(level.target);
    const bool is_own = level.suffix.empty() && name == level_of(Halide::get_host_target());
    return table_of(is_own ? cpu_kind() : name);
}

TargetSchedules find_schedules(const std::vector<std::filesystem::path> &folders, const Level &level) {
    std::vector<std::string> tables{table_of(level_of(level.target))};
    if (const std::string own = measured_table(level); own != tables.front()) tables.push_back(own);
    TargetSchedules found;
    for (const auto &folder : folders) {
        if (!std::filesystem::is_directory(folder)) continue;
        found.folders.push_back(folder);
        for (const std::string &name : tables) {
            if (name.empty() || !std::filesystem::exists(folder / name)) continue;
            found.files.push_back(folder / name);
            for (const auto &[key, schedule] : read_schedules(found.files.back())) found.table[key] = schedule;
        }
    }
    return found;
}

}  // namespace castnet

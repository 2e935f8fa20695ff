#include "train/options/level_option.h"

#include <vector>

#include "runtime/target.h"
#include "train/options/checked_option.h"

namespace castnet {

void add_level_option(CLI::App &app, std::string &level, std::span<const NetworkDescription> levels) {
    level = choose_level(levels).level;
    if (levels.size() == 1) return;
    std::vector<std::string> names;
    for (const NetworkDescription &one : levels) names.emplace_back(one.level);
    add_choice(app, "--level", level, "The CPU's instructions to use, of those that the network was compiled for", names);
}

}  // namespace castnet

// The option --level: which of the targets that the network was compiled for a program runs.
#pragma once

#include <span>
#include <string>

#include "runtime/description.h"

namespace CLI {
class App;
}

namespace castnet {

/// Adds the option if there are several levels; `level` becomes the greatest one that this CPU has, or the one that is given.
void add_level_option(CLI::App &app, std::string &level, std::span<const NetworkDescription> levels);

}  // namespace castnet

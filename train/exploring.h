// The program explore.
#pragma once

#include <span>
#include <string>

#include "runtime/description.h"

namespace castnet {

/// Runs explore, and returns the exit status. `levels`: the network for each target, the greatest first. `classes`: those that the network
/// is trained on by default.
int explore_main(int argc, char **argv, const std::string &program, std::span<const NetworkDescription> levels, const std::string &classes);

}  // namespace castnet

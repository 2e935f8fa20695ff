// The program explore.
#pragma once

#include <string>

#include "runtime/description.h"

namespace castnet {

/// Runs explore, and returns the exit status. `classes`: those that the network is trained on by default.
int explore_main(int argc, char **argv, const std::string &program, const NetworkDescription &description, const std::string &classes);

}  // namespace castnet

// The program train.
#pragma once

#include <string>

#include "runtime/description.h"

namespace castnet {

/// Runs train, and returns the exit status. `classes`: those that the network is trained on by default.
int train_main(int argc, char **argv, const std::string &program, const NetworkDescription &description, const std::string &classes);

}  // namespace castnet

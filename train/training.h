// The program train.
#pragma once

#include <string>

#include "runtime/description.h"

namespace castnet {

/// `classes` are those that the network is trained on by default. Returns the exit status.
int train_main(int argc, char **argv, const std::string &program, const NetworkDescription &description, const std::string &classes);

}  // namespace castnet

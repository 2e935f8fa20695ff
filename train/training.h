// The program train.
#pragma once

#include <string>

#include "runtime/description.h"

namespace castnet {

/// Returns the exit status.
int train_main(int argc, char **argv, const std::string &program, const NetworkDescription &description);

}  // namespace castnet

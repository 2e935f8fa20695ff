// The program explore.
#pragma once

#include <string>

#include "runtime/description.h"

namespace castnet {

/// Returns the exit status.
int explore_main(int argc, char **argv, const std::string &program, const NetworkDescription &description);

}  // namespace castnet

// --at, a point of the latent space, the same in train and explore.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/description.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace castnet {

CLI::Option *add_code_option(CLI::App &app, std::vector<float> &code, const std::string &help);

/// Throws Error unless --at was given the numbers of one code.
void check_code(const NetworkDescription &description, std::span<const float> code);

}  // namespace castnet

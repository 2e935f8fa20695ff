// The option --at, a point of the latent space, which train and explore share.
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

/// Throws Error unless --at has as many numbers as a code.
void check_code(const NetworkDescription &description, std::span<const float> code);

}  // namespace castnet

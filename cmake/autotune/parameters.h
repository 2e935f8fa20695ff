// What a pipeline is, as the autotuner's programs are told: a generator, and name=value of its geometry and epilogue.
#pragma once

#include <map>
#include <span>
#include <string>

namespace castnet::autotune {

/// The values by their names. Throws std::invalid_argument, which names the argument that is wrong and what is allowed.
std::map<std::string, std::string> parse_parameters(const std::string &generator, std::span<const std::string> arguments);

}  // namespace castnet::autotune

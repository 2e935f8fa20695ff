// A pipeline on the command line of the autotuner's programs: a generator, and name=value of its geometry and epilogue.
#pragma once

#include <map>
#include <span>
#include <string>

namespace castnet::autotune {

/// Returns the values by name. Throws std::invalid_argument, which names the wrong argument and what is allowed.
std::map<std::string, std::string> parse_parameters(const std::string &generator, std::span<const std::string> arguments);

}  // namespace castnet::autotune

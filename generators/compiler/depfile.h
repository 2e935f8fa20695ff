// The dependencies of outputs, for Make and Ninja.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace castnet {

/// Returns a rule without a recipe: the targets depend on the prerequisites. Spaces, #, $ and : in their names are escaped.
std::string depfile_of(const std::vector<std::filesystem::path> &targets, const std::vector<std::filesystem::path> &prerequisites);

}  // namespace castnet

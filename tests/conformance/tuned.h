// The tuned schedules of generators/schedules, as problems.
#pragma once

#include <filesystem>

#include "tests/conformance/problem.h"

namespace castnet::test {

/// Returns a problem for each line of the folder's files that names parameters, with the shape they were tuned for. Skips lines with an
/// autoscheduler, as Halide's JIT has none. Throws std::runtime_error if a line's key is no layer of Castnet's.
std::vector<Problem> tuned_problems(const std::filesystem::path &folder);

}  // namespace castnet::test

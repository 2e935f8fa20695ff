// The tuned schedules of generators/schedules, as problems.
#pragma once

#include <filesystem>

#include "tests/conformance/problem.h"

namespace castnet::test {

/// A problem for each line of the folder's files that names parameters, for the shape that they were tuned for. A line that leaves them to
/// an autoscheduler is left out, as Halide's JIT has none. Throws std::runtime_error where a line's key is no layer of Castnet's.
std::vector<Problem> tuned_problems(const std::filesystem::path &folder);

}  // namespace castnet::test

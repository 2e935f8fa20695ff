// Finds a smaller problem that still fails.
#pragma once

#include <chrono>
#include <functional>

#include "tests/conformance/problem.h"

namespace castnet::test {

/// Simplifies a failing problem as long as a simplification fails too, for at most `limit`. Extents go to 1, to half or down by one;
/// the rest goes to its default.
Problem shrink(Problem problem, const std::function<bool(const Problem &)> &fails, std::chrono::seconds limit);

}  // namespace castnet::test

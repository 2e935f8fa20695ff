// The smallest problem that still fails.
#pragma once

#include <chrono>
#include <functional>

#include "tests/conformance/problem.h"

namespace castnet::test {

/// Simplifies a failing problem for as long as one of its simplifications fails too, and for no longer than `limit`: extents go to 1, to
/// half or by one, the rest to its default.
Problem shrink(Problem problem, const std::function<bool(const Problem &)> &fails, std::chrono::seconds limit);

}  // namespace castnet::test

// Whether a problem's pipelines compute what the formula says.
#pragma once

#include <cstddef>
#include <string>

#include "tests/conformance/problem.h"

namespace castnet::test {

/// What the checks of one problem, or of many, have seen.
struct Findings {
    std::size_t compared = 0;    ///< outputs
    std::size_t mismatches = 0;  ///< outputs that are not equal on integers, or not within the bound elsewhere
    std::size_t sums = 0;        ///< sums of products of integers
    std::size_t nonzero = 0;     ///< … of which not zero: an output that is zero says little
    double worst = 0;            ///< the largest error on floats, as a share of its bound
    std::size_t pipelines = 0;   ///< compiled
    std::string first_mismatch;

    Findings &operator+=(const Findings &other);
    double nonzero_share() const { return sums == 0 ? 1 : double(nonzero) / double(sums); }
};

/// Runs the problem on integers that keep every sum exact, where it demands equality, and on floats, where it demands the derived bound.
/// Throws what Pipelines throws.
Findings check(const Problem &problem);

}  // namespace castnet::test

// Checks that a problem's pipelines compute the formula.
#pragma once

#include <cstddef>
#include <string>

#include "tests/conformance/problem.h"

namespace castnet::test {

/// Results of the checks of one problem or of many.
struct Findings {
    std::size_t compared = 0;    ///< outputs
    std::size_t mismatches = 0;  ///< outputs that differ on integers, or exceed the bound on floats
    std::size_t sums = 0;        ///< sums of products of integers
    std::size_t nonzero = 0;     ///< those that are not zero; a zero output says little
    double worst = 0;            ///< the largest error on floats, as a share of its bound
    std::size_t pipelines = 0;   ///< compiled
    std::string first_mismatch;

    Findings &operator+=(const Findings &other);
    double nonzero_share() const { return sums == 0 ? 1 : double(nonzero) / double(sums); }
};

/// Runs the problem twice: on integers that keep every sum exact, with equality, and on floats, within the derived bound. Throws what
/// Pipelines throws.
Findings check(const Problem &problem);

}  // namespace castnet::test

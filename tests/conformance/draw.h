// Random problems.
#pragma once

#include <random>

#include "tests/conformance/problem.h"

namespace castnet::test {

/// Returns a random problem, biased towards the ends of these ranges and the edges of vectors: kernel 1 to 7, stride 1 to 4 or above the
/// kernel, any padding below the kernel and any output= that the network language takes, 1 to 40 pixels, 1 to 130 channels, 1 to 9
/// images. Every extent takes all its values, but a problem has at most 2·10⁷ products and 10⁶ elements per grid, so that the naive
/// reference is fast.
Problem draw(std::mt19937 &random);

}  // namespace castnet::test

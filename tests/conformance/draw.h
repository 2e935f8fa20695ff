// Problems at random.
#pragma once

#include <random>

#include "tests/conformance/problem.h"

namespace castnet::test {

/// A problem of any shape in these ranges, with a bias towards their ends and the edges of vectors: kernel 1 to 7, stride 1 to 4 or above
/// the kernel, any padding below the kernel and any output= that the network language takes, 1 to 40 pixels, 1 to 130 channels, 1 to 9
/// images. Every extent takes all its values, but not all at once: a problem has at most 2·10⁷ products and 10⁶ elements a grid, which the
/// naive reference computes in a moment.
Problem draw(std::mt19937 &random);

}  // namespace castnet::test

// The compiled networks that the tests use.
#pragma once

#include <array>
#include <vector>

#include "mnist_cae.h"
#include "runtime/random.h"
#include "test_batch.h"
#include "test_colour.h"
#include "test_dense.h"
#include "test_frozen.h"
#include "test_gap.h"
#include "test_odd.h"
#include "test_one.h"
#include "test_padding.h"
#include "test_pool.h"
#include "test_rgb.h"
#include "test_softmax.h"
#include "test_upsampled.h"
#include "test_wide.h"

namespace castnet::test {

inline const auto all_networks = std::to_array<const NetworkDescription *>({
#ifndef CASTNET_EMULATED  // where the largest takes seconds a step, and others have its kinds of layers
    &mnist_cae::network,
#endif
    &test_rgb::network, &test_odd::network, &test_gap::network, &test_softmax::network, &test_wide::network, &test_one::network,
    &test_padding::network, &test_dense::network, &test_pool::network, &test_frozen::network, &test_colour::network,
    &test_upsampled::network, &test_batch::network});

/// Returns random values, uniform in [0, 1).
inline std::vector<float> random_values(std::size_t count, Random &random) {
    std::vector<float> values(count);
    for (float &value : values) value = random.uniform();
    return values;
}

/// Sets the kernels by glorot_uniform, and the biases to random values too.
inline void set_random_weights(Network &network, Random &random) {
    REQUIRE(glorot_uniform(network, random) == 0);
    for (std::size_t l = 0; l < network.description().layers.size(); l++)
        for (float &value : network.bias(l)) value = 0.2F * random.uniform() - 0.1F;
    REQUIRE(network.weights_changed() == 0);
}

}  // namespace castnet::test

// Tests the roofs that a training step is compared with.
#include <doctest/doctest.h>

#include <array>

#include "train/machine/roof.h"

namespace castnet::test {
namespace {

TEST_CASE("roof: a step's operations and bytes are those of the formula") {
    std::array<LayerDescription, 2> layers;
    layers[0].input = layers[1].output = {4, 6, 2};
    layers[0].output = layers[1].input = {2, 3, 5};
    layers[1].kind = LayerKind::conv2d_transpose;
    for (LayerDescription &layer : layers) layer.kernel_height = layer.kernel_width = 2;
    NetworkDescription network;
    network.layers = layers;
    network.input = network.output = {4, 6, 2};
    // Each layer has 2 x 3 positions of a 2 x 2 x 2 x 5 kernel. Both have three passes, but the first has no backward_data.
    const double multiply_adds = 5 * 6 * 40, parameters = 40 + 5 + 40 + 2, grids = 48 + 4 * (30 + 48);
    const Work one = training_work(network, 1, 2), batch = training_work(network, 100, 2);
    CHECK(one.flops == 2 * multiply_adds);
    CHECK(one.bytes == 4 * (parameters * (2 * 1 + 7) + grids));
    CHECK(batch.flops == 100 * one.flops);
    CHECK(batch.bytes == 4 * (parameters * (2 * 4 + 7) + 100 * grids));  // four pieces of up to 32 images
}

TEST_CASE("roof: the lower of two is named, and none where a step is too short for either") {
    constexpr Roof roof{.flops_per_second = 100e9, .bytes_per_second = 10e9};
    CHECK(share_of_roof({.flops = 42e6, .bytes = 4e6}, roof, 0.5e-3) == "84% of the FMA peak");
    CHECK(share_of_roof({.flops = 42e6, .bytes = 6e6}, roof, 1e-3) == "60% of the memory roof");
    CHECK(share_of_roof({.flops = 1e6, .bytes = 1e5}, roof, 50e-6).empty());
    CHECK_FALSE(share_of_roof({.flops = 1e6, .bytes = 3e5}, roof, 50e-6).empty());
}

}  // namespace
}  // namespace castnet::test

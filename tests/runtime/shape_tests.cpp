// Compares the shapes, names and counts that the build computed with Keras's.
#include <doctest/doctest.h>

#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

// The default network at compile time, as Keras's summary() prints it.
static_assert(mnist_cae::parameter_count == 51459);
static_assert(mnist_cae::network.forward_multiply_adds() == 2182656 && mnist_cae::network.training_multiply_adds() == 6491520);
static_assert(mnist_cae::network.layers[0].output == Shape{14, 14, 32} && mnist_cae::network.layers[0].parameter_count() == 320);
static_assert(mnist_cae::network.layers[1].output == Shape{7, 7, 64} && mnist_cae::network.layers[1].parameter_count() == 18496);
static_assert(mnist_cae::network.layers[2].output == Shape{1, 1, 2} && mnist_cae::network.layers[2].parameter_count() == 6274);
static_assert(mnist_cae::network.layers[3].output == Shape{7, 7, 64} && mnist_cae::network.layers[3].parameter_count() == 6336);
static_assert(mnist_cae::network.layers[4].output == Shape{14, 14, 32} && mnist_cae::network.layers[4].parameter_count() == 18464);
static_assert(mnist_cae::network.layers[5].output == Shape{28, 28, 1} && mnist_cae::network.layers[5].parameter_count() == 1569);
static_assert(mnist_cae::code == Shape{1, 1, 2} && mnist_cae::input == Shape{28, 28, 1});

TEST_CASE("shapes: names are Keras's, or the layer's own") {
    CHECK(mnist_cae::network.layers[0].name == "conv2d");
    CHECK(mnist_cae::network.layers[2].name == "conv2d_2");
    CHECK(mnist_cae::network.layers[3].name == "conv2d_transpose");
    CHECK(mnist_cae::network.layers[5].name == "conv2d_transpose_2");
    CHECK(test_gap::network.layers[1].name == "stretch");
    CHECK(test_gap::network.layers[2].name == "conv2d_transpose");
}

TEST_CASE("sharding: covers every batch once, in parts that depend on its size alone") {
    for (int images = 1; images <= 600; images++) {
        const int most_images = images % 2 == 0 ? 16 : 64;
        const Sharding sharding(images, most_images);
        int covered = 0;
        for (int shard = 0; shard < sharding.shards; shard++) {
            REQUIRE(sharding.first(shard) == covered);
            REQUIRE(sharding.size(shard) >= 1);
            REQUIRE(sharding.size(shard) <= most_images);
            covered += sharding.size(shard);
        }
        REQUIRE(covered == images);
        // A network for larger batches has room for this one.
        for (int batch = images; batch <= 600; batch++) {
            REQUIRE(sharding.shards <= Sharding::most_shards(batch, most_images));
            REQUIRE(sharding.images_per_shard <= Sharding::largest_shard(batch, most_images));
        }
    }
}

TEST_CASE("sharding: a shard holds the more images, the less each keeps") {
    CHECK(mnist_cae::network.most_shard_images() == 16);
    CHECK(test_one::network.most_shard_images() == 64);
    // 655,360 bytes of 4 for each of 2 · 2730 + 8 numbers.
    std::array<LayerDescription, 2> layers;
    layers[0].output = {1, 1, 8}, layers[1].output = {1, 1, 2730};
    NetworkDescription network;
    network.layers = layers, network.input = {1, 1, 2730};
    CHECK(network.most_shard_images() == 29);
    layers[0].keeps_sums = true, layers[0].output = {1, 1, 2730};
    CHECK(network.most_shard_images() == 16);
}

}  // namespace
}  // namespace castnet::test

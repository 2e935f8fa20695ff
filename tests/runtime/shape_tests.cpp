// Shapes, counts and layouts that the build has computed, against Keras's.
#include <doctest/doctest.h>

#include "tests/conformance/layer.h"
#include "tests/runtime/networks.h"
#include "tests/runtime/reference_network.h"

namespace castnet::test {
namespace {

// The default network at compile time, as Keras's summary() prints it.
static_assert(mnist_cae::parameter_count == 51459);
static_assert(mnist_cae::network.forward_multiply_adds() == 2182656 && mnist_cae::network.training_multiply_adds() == 6491520);
static_assert(mnist_cae::network.layers[0].output == castnet::Shape{14, 14, 32} && mnist_cae::network.layers[0].parameter_count() == 320);
static_assert(mnist_cae::network.layers[1].output == castnet::Shape{7, 7, 64} && mnist_cae::network.layers[1].parameter_count() == 18496);
static_assert(mnist_cae::network.layers[2].output == castnet::Shape{1, 1, 2} && mnist_cae::network.layers[2].parameter_count() == 6274);
static_assert(mnist_cae::network.layers[3].output == castnet::Shape{7, 7, 64} && mnist_cae::network.layers[3].parameter_count() == 6336);
static_assert(mnist_cae::network.layers[4].output == castnet::Shape{14, 14, 32} && mnist_cae::network.layers[4].parameter_count() == 18464);
static_assert(mnist_cae::network.layers[5].output == castnet::Shape{28, 28, 1} && mnist_cae::network.layers[5].parameter_count() == 1569);
static_assert(mnist_cae::code == castnet::Shape{1, 1, 2} && mnist_cae::input == castnet::Shape{28, 28, 1});

TEST_CASE("shapes: the reference follows Keras's own examples") {
    struct Example {
        Layer layer;
        int height, width;
    };
    // From the tests of keras/src/layers/convolutional: conv_test.py and conv_transpose_test.py.
    const auto conv = [](int h, int w, int kh, int kw, int sy, int sx, bool same) {
        return Layer{false, {h, w, 3}, 2, kh, kw, sy, sx, same};
    };
    const auto transpose = [](int h, int w, int kh, int kw, int sy, int sx, bool same) {
        return Layer{true, {h, w, 3}, 2, kh, kw, sy, sx, same};
    };
    const std::vector<Example> examples{{conv(5, 5, 2, 2, 1, 1, false), 4, 4},
                                        {conv(5, 5, 2, 2, 2, 1, false), 2, 4},
                                        {conv(8, 8, 3, 3, 2, 2, true), 4, 4},
                                        {conv(8, 8, 4, 3, 2, 1, false), 3, 6},
                                        {transpose(8, 8, 2, 2, 2, 2, false), 16, 16},
                                        {transpose(8, 8, 2, 3, 2, 1, false), 16, 10},
                                        {transpose(14, 14, 7, 7, 16, 16, false), 224, 224}};
    for (const Example &example : examples) {
        CAPTURE(example.layer.describe());
        CHECK(example.layer.output() == Shape{example.height, example.width, 2});
    }
}

TEST_CASE("shapes: every network's description follows the reference") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        Shape shape{description->input().height, description->input().width, description->input().channels};
        for (const LayerDescription &layer : description->layers) {
            CAPTURE(layer.text);
            const Layer reference = parse_layer(std::string(layer.text), shape).layer;
            const Shape out = reference.output();
            CHECK(layer.output == castnet::Shape{out.height, out.width, out.channels});
            CHECK(layer.kernel_size() == reference.kernel_size());
            shape = out;
        }
    }
}

TEST_CASE("shapes: names are Keras's, or the layer's own") {
    CHECK(mnist_cae::network.layers[0].name == "conv2d");
    CHECK(mnist_cae::network.layers[2].name == "conv2d_2");
    CHECK(mnist_cae::network.layers[3].name == "conv2d_transpose");
    CHECK(mnist_cae::network.layers[5].name == "conv2d_transpose_2");
    CHECK(test_gap::network.layers[1].name == "stretch");
    CHECK(test_gap::network.layers[2].name == "conv2d_transpose");
}

TEST_CASE("sharding: covers every batch once, in parts that depend on its size alone") {
    for (int images = 1; images <= 300; images++) {
        const Sharding sharding(images);
        int covered = 0;
        for (int shard = 0; shard < sharding.shards; shard++) {
            REQUIRE(sharding.first(shard) == covered);
            REQUIRE(sharding.size(shard) >= 1);
            REQUIRE(sharding.size(shard) <= Sharding::most_images);
            covered += sharding.size(shard);
        }
        REQUIRE(covered == images);
        // A network that is laid out for larger batches has room for this one.
        for (int batch = images; batch <= 300; batch++) {
            REQUIRE(sharding.shards <= Sharding::most_shards(batch));
            REQUIRE(sharding.images_per_shard <= Sharding::largest_shard(batch));
        }
    }
}

}  // namespace
}  // namespace castnet::test

// Compares the shapes, names and counts that the build computed with Keras's.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <vector>

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
        const Sharding sharding = Sharding::of_step(images, images % 2 == 0 ? 1 : 16);
        REQUIRE(sharding.first_image(0) == 0);
        for (int shard = 0; shard < sharding.shards; shard++) REQUIRE(sharding.first_image(shard + 1) > sharding.first_image(shard));
        REQUIRE(sharding.first_image(sharding.shards) == images);
        REQUIRE(sharding.images_in({0, 1024}) == images);  // a subtree may reach beyond the shards that there are
        REQUIRE(sharding.shards >= std::min(images, 4));
    }
}

TEST_CASE("sharding: a batch of 32 keeps 16 workers busy, and more images have more shards") {
    CHECK(mnist_cae::network.sharding(32).shards == 16);
    for (int images = 64, before = 16; images <= 1 << 20; images *= 2) {
        const int shards = mnist_cae::network.sharding(images).shards;
        CHECK(shards >= before);
        CHECK(images / shards <= 16);
        before = shards;
    }
    for (const int workers : {1, 2, 4, 8, 16}) CHECK(ArenaLayout(mnist_cae::network, 32, workers).pieces >= workers);
    CHECK(ArenaLayout(mnist_cae::network, 32, 2).pieces == 4);  // fewer rows of gradients than shards
}

TEST_CASE("sharding: gradients that are large beside the arithmetic have larger shards") {
    CHECK(mnist_cae::network.least_shard_images() == 2);
    CHECK(Sharding::of_step(32, 1).images_per_shard == 2);
    CHECK(Sharding::of_step(32, 8).images_per_shard == 8);
    CHECK(Sharding::of_step(31, 8).images_per_shard == 4);
    CHECK(Sharding::of_step(512, 2).images_per_shard == 8);
}

TEST_CASE("sharding: every number of shards that a step can have is visited with the most images") {
    for (const int least : {1, 2, 16}) {
        const int most = 300;
        Sharding::for_each(most, least, [&](const Sharding &visited) {
            REQUIRE(visited.images <= most);
            REQUIRE(Sharding::of_step(visited.images, least).images_per_shard == visited.images_per_shard);
        });
        for (int images = 1; images <= most; images++) {
            const Sharding step = Sharding::of_step(images, least);
            bool is_covered = false;
            Sharding::for_each(most, least, [&](const Sharding &visited) {
                is_covered = is_covered || (visited.shards == step.shards && visited.images_per_shard == step.images_per_shard &&
                                            visited.images >= images);
            });
            REQUIRE(is_covered);
        }
    }
}

TEST_CASE("sharding: processes share all shards, none more than it must, in whole subtrees") {
    for (int shards = 1; shards <= 130; shards++) {
        const Sharding batch(shards, 1);
        for (int processes = 1; processes <= 20; processes++) {
            int end = 0, subtrees = 0;
            for (int process = 0; process < processes; process++) {
                const ShardRange range = batch.range_of(process, processes);
                REQUIRE(range.begin == end);
                REQUIRE(range.size() >= 0);
                REQUIRE(range.size() <= divide_up(shards, processes));
                int covered = range.begin;
                batch.for_each_subtree(range, Sharding::all, [&](const Subtree &node) {
                    REQUIRE(node.first == covered);
                    REQUIRE(std::has_single_bit(static_cast<unsigned>(node.size)));
                    REQUIRE(node.first % node.size == 0);
                    covered += node.size;
                    subtrees++;
                });
                REQUIRE(covered >= range.end);
                REQUIRE((covered == range.end || range.end == shards));
                end = range.end;
            }
            REQUIRE(end == shards);
            if (std::has_single_bit(static_cast<unsigned>(shards)) && std::has_single_bit(static_cast<unsigned>(processes)))
                REQUIRE(subtrees == std::min(shards, processes));  // one message of the parameters each
        }
    }
    // Three processes, none with more than six of 16 shards: 4, 6 and 6 need five subtrees, 6, 5 and 5 would need seven.
    const Sharding batch(16, 1);
    CHECK(batch.range_of(0, 3) == ShardRange{0, 4});
    CHECK(batch.range_of(1, 3) == ShardRange{4, 10});
    CHECK(batch.range_of(2, 3) == ShardRange{10, 16});
}

TEST_CASE("sharding: subtrees of at most so many shards") {
    const Sharding batch(11, 1);
    std::vector<Subtree> nodes;
    batch.for_each_subtree({1, 11}, 4, [&](const Subtree &node) { nodes.push_back(node); });
    CHECK(nodes == std::vector<Subtree>{{1, 1}, {2, 2}, {4, 4}, {8, 4}});
}

TEST_CASE("layout: the processes' slices are all parameters of the sharded layers, in whole vectors") {
    for (const int ranks : {1, 2, 3, 7, 64, 5000}) {
        const ArenaLayout layout(mnist_cae::network, 32, 1, Purpose::inference, 0, {.rank = 0, .ranks = ranks});
        REQUIRE(layout.slice_begin(0) == 0);
        for (int rank = 0; rank < ranks; rank++) REQUIRE(layout.slice_size(rank) % ArenaLayout::step == 0);
        REQUIRE(layout.slice_begin(ranks) == layout.sharded);
    }
}

TEST_CASE("sharding: a piece holds the more images, the less each keeps") {
    CHECK(mnist_cae::network.most_piece_images() == 16);
    CHECK(test_one::network.most_piece_images() == 64);
    // 655,360 bytes of 4 for each of 2 · 2730 + 8 numbers.
    std::array<LayerDescription, 2> layers;
    layers[0].output = {1, 1, 8}, layers[1].output = {1, 1, 2730};
    NetworkDescription network;
    network.layers = layers, network.input = {1, 1, 2730};
    CHECK(network.most_piece_images() == 29);
    layers[0].keeps_sums = true, layers[0].output = {1, 1, 2730};
    CHECK(network.most_piece_images() == 16);
}

}  // namespace
}  // namespace castnet::test

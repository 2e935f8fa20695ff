// Compares whole networks with the reference in double: outputs, the loss, and gradients by central differences.
#include <doctest/doctest.h>

#include <cmath>

#include "runtime/optimizer.h"
#include "runtime/parallel.h"
#include "runtime/random.h"
#include "tests/runtime/networks.h"
#include "tests/runtime/reference_network.h"

namespace castnet::test {
namespace {

struct Batch {
    std::vector<float> inputs, targets;
    Batch(const NetworkDescription &description, std::size_t images, Random &random)
        : inputs(random_values(images * description.input.size(), random)),
          targets(random_values(images * description.output.size(), random)) {}
};

TEST_CASE("network: outputs, codes and decoded codes agree with the reference") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        Random random(3);
        Network network(*description, 2, 1);
        set_random_weights(network, random);
        const ReferenceNetwork reference(network);
        const std::size_t images = 3, layers = description->layers.size();
        const auto check = [&](std::size_t first, std::size_t last) {
            const std::size_t in = description->layers[first].input.size(), out = description->layers[last - 1].output.size();
            const std::vector<float> inputs = random_values(images * in, random);
            std::vector<float> outputs(images * out, std::nanf(""));
            REQUIRE(network.forward(first, last, inputs, outputs, int(images)) == 0);
            double largest = 0, worst = 0;
            for (std::size_t n = 0; n < images; n++) {
                const std::vector<double> want = reference.forward(
                    {inputs.begin() + std::ptrdiff_t(n * in), inputs.begin() + std::ptrdiff_t((n + 1) * in)}, first, last);
                for (std::size_t i = 0; i < out; i++) {
                    largest = std::max(largest, std::abs(want[i]));
                    worst = std::max(worst, std::abs(want[i] - double(outputs[n * out + i])));
                }
            }
            CHECK(worst <= 1e-5 * largest);
        };
        check(0, layers);
        check(0, description->encoder_layers);
        check(description->encoder_layers, layers);
    }
}

/// Compares a tensor's gradient with central differences at up to `samples` elements.
void check_gradient(ReferenceNetwork &reference, std::vector<double> &weights, std::span<const float> gradient, const Batch &batch,
                    std::size_t images, Random &random) {
    const double step = 1e-5;
    const std::size_t samples = 12;
    double largest = 0;
    for (const float g : gradient) largest = std::max(largest, std::abs(double(g)));
    for (std::size_t s = 0; s < std::min(samples, weights.size()); s++) {
        const std::size_t i = weights.size() <= samples ? s : random.below(std::uint32_t(weights.size()));
        const double weight = weights[i];
        std::vector<std::size_t> signs_above, signs_below;
        weights[i] = weight + step;
        const double above = reference.loss_of(batch.inputs, batch.targets, images, &signs_above);
        weights[i] = weight - step;
        const double below = reference.loss_of(batch.inputs, batch.targets, images, &signs_below);
        weights[i] = weight;
        if (signs_above != signs_below) continue;  // the kink of a relu lies between
        CAPTURE(i);
        CHECK(double(gradient[i]) == doctest::Approx((above - below) / (2 * step)).epsilon(1e-3).scale(largest + 1e-3));
    }
}

TEST_CASE("network: the loss and every tensor's gradient agree with central differences in double") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        Random random(5);
        const std::size_t images = 2;
        Network network(*description, int(images), 1);
        set_random_weights(network, random);
        ReferenceNetwork reference(network);
        network.draw(7, 9);
        reference.seed_and_step = {7, 9};
        const Batch batch(*description, images, random);
        const StepResult result = network.backward(castnet::Batch::of(batch.inputs, batch.targets, int(images)));
        REQUIRE(result.error == 0);
        CHECK(result.loss == doctest::Approx(reference.loss_of(batch.inputs, batch.targets, images)).epsilon(1e-5));
        for (std::size_t l = 0; l < description->layers.size(); l++) {
            CAPTURE(description->layers[l].name);
            REQUIRE(network.sum_gradients(l) == 0);
            if (!description->layers[l].learns()) continue;
            check_gradient(reference, reference.layers[l].kernel, network.kernel(l, Block::gradients), batch, images, random);
            check_gradient(reference, reference.layers[l].bias, network.bias(l, Block::gradients), batch, images, random);
        }
    }
}

TEST_CASE("network: a maximum's gradient goes to the largest output, also where outputs fall as their sums rise") {
    const std::size_t images = 2, gelu = 1;  // the layer before the maximum
    Random random(6);
    Network network(test_pool::network, int(images), 1);
    set_random_weights(network, random);
    REQUIRE(test_pool::network.layers[gelu].activation == "gelu");
    REQUIRE(test_pool::network.layers[gelu + 1].kind == LayerKind::max_pool);
    for (float &bias : network.bias(gelu)) bias = -2;
    REQUIRE(network.weights_changed() == 0);
    ReferenceNetwork reference(network);
    const Batch batch(test_pool::network, images, random);
    REQUIRE(network.backward(castnet::Batch::of(batch.inputs, batch.targets, int(images))).error == 0);
    REQUIRE(network.sum_gradients(gelu) == 0);
    check_gradient(reference, reference.layers[gelu].kernel, network.kernel(gelu, Block::gradients), batch, images, random);
    check_gradient(reference, reference.layers[gelu].bias, network.bias(gelu, Block::gradients), batch, images, random);
}

/// Trains on batches of many sizes, the last of one image. Returns the weights.
std::vector<float> train_a_little(const NetworkDescription &description, int threads) {
    use_threads(threads);
    Random random(11);
    Network network(description, 32, threads);
    set_random_weights(network, random);
    Optimizer adam;
    for (const std::size_t images : {32, 31, 8, 7, 32, 1}) {
        const Batch batch(description, images, random);
        network.draw(5, std::uint64_t(adam.steps));
        REQUIRE(adam.step(network, castnet::Batch::of(batch.inputs, batch.targets, int(images))).error == 0);
    }
    std::vector<float> weights;
    for (std::size_t l = 0; l < description.layers.size(); l++) {
        weights.insert(weights.end(), network.kernel(l).begin(), network.kernel(l).end());
        weights.insert(weights.end(), network.bias(l).begin(), network.bias(l).end());
    }
    return weights;
}

TEST_CASE("network: each image's loss agrees with the reference, whatever the batches and the purpose") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        constexpr std::size_t images = 7;
        Random random(3);
        Network training(*description, 3, 2), inference(*description, 4, 1, Purpose::inference);
        for (Network *network : {&training, &inference}) {
            Random weights(4);
            set_random_weights(*network, weights);
        }
        const ReferenceNetwork reference(training);
        const std::size_t in = description->input.size(), out = description->output.size();
        const std::vector<float> inputs = random_values(images * in, random), targets = random_values(images * out, random);
        std::vector<float> losses(images), again(images);
        REQUIRE(training.losses(inputs, targets, losses) == 0);
        REQUIRE(inference.losses(inputs, targets, again) == 0);
        CHECK(losses == again);
        for (std::size_t n = 0; n < images; n++) {
            const double want = reference.loss_of(std::span(inputs).subspan(n * in, in), std::span(targets).subspan(n * out, out), 1);
            CHECK(double(losses[n]) + reference.penalty() == doctest::Approx(want).epsilon(1e-5));
        }
    }
}

TEST_CASE("network: the penalty counts every weight once, the last one too") {
    // Everything else is zero, so that the loss is the penalty alone.
    Network network(test_odd::network, 1, 1);
    const std::vector<float> images(test_odd::network.input.size()), targets(test_odd::network.output.size());
    for (std::size_t l = 0; l < test_odd::layers.size(); l++) {
        const std::span<float> kernel = network.kernel(l);
        for (const std::size_t place : {std::size_t{0}, kernel.size() - 1}) {
            kernel[place] = 2;
            REQUIRE(network.weights_changed() == 0);
            const StepResult result = network.backward(castnet::Batch::of(images, targets, 1));
            REQUIRE(result.error == 0);
            CHECK(result.loss == doctest::Approx(4 * double(test_odd::layers[l].l2)));
            kernel[place] = 0;
        }
    }
}

TEST_CASE("network: weights are bit-identical for any number of threads") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        const std::vector<float> weights = train_a_little(*description, 1);
        for (const float weight : weights) REQUIRE(std::isfinite(weight));
        for (const int threads : {2, 3, 5, 13}) {
            CAPTURE(threads);
            CHECK(weights == train_a_little(*description, threads));
        }
    }
    use_threads(1);
}

TEST_CASE("network: a batch's gradient does not depend on what the arena held before") {
    Random random(17);
    const Batch large(test_odd::network, 32, random), small(test_odd::network, 1, random);
    const auto gradients_of_small = [&](bool after_large) {
        Random weights(1);
        Network network(test_odd::network, 32, 1);
        set_random_weights(network, weights);
        if (after_large) REQUIRE(network.backward(castnet::Batch::of(large.inputs, large.targets, 32)).error == 0);
        REQUIRE(network.backward(castnet::Batch::of(small.inputs, small.targets, 1)).error == 0);
        std::vector<float> gradients;
        for (std::size_t l = 0; l < test_odd::layers.size(); l++) {
            REQUIRE(network.sum_gradients(l) == 0);
            gradients.insert(gradients.end(), network.kernel(l, Block::gradients).begin(), network.kernel(l, Block::gradients).end());
        }
        return gradients;
    };
    CHECK(gradients_of_small(false) == gradients_of_small(true));
}

/// Returns the loss and all gradients of a batch, in a network for batches of `batch_size` images.
std::vector<float> loss_and_gradients(const NetworkDescription &description, int batch_size, int threads, const Batch &batch, int images) {
    Random random(8);
    Network network(description, batch_size, threads);
    set_random_weights(network, random);
    const StepResult result = network.backward(castnet::Batch::of(batch.inputs, batch.targets, images));
    REQUIRE(result.error == 0);
    std::vector<float> all{float(result.loss)};
    for (std::size_t l = 0; l < description.layers.size(); l++) {
        REQUIRE(network.sum_gradients(l) == 0);
        all.insert(all.end(), network.kernel(l, Block::gradients).begin(), network.kernel(l, Block::gradients).end());
        all.insert(all.end(), network.bias(l, Block::gradients).begin(), network.bias(l, Block::gradients).end());
    }
    return all;
}

TEST_CASE("network: a batch has the same gradients where there is room for a larger one") {
    // A smaller batch can have more shards than a larger one: 31 has 31, and 32 has 16; 127 has 64, and 128 has 32.
    use_threads(3);
    for (const std::pair<int, int> &sizes :
         {std::pair{9, 7}, {9, 8}, {65, 64}, {65, 63}, {257, 256}, {33, 32}, {32, 31}, {128, 127}, {128, 5}, {13, 10}, {100, 96}}) {
        const int batch_size = sizes.first, images = sizes.second;
        CAPTURE(batch_size);
        CAPTURE(images);
        for (const NetworkDescription *description : {&test_gap::network, &test_batch::network}) {
            CAPTURE(description->name);
            Random random(7);
            const Batch batch(*description, std::size_t(images), random);
            const std::vector<float> alone = loss_and_gradients(*description, images, 1, batch, images);
            for (const int threads : {1, 3}) CHECK(loss_and_gradients(*description, batch_size, threads, batch, images) == alone);
        }
    }
    use_threads(1);
}

}  // namespace
}  // namespace castnet::test

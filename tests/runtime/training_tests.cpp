// Checks that the loss falls on synthetic images, and on real ones if they are there.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "runtime/optimizer.h"
#include "runtime/parallel.h"
#include "runtime/random.h"
#include "tests/runtime/networks.h"
#include "tests/runtime/reference_network.h"

namespace castnet::test {
namespace {

/// Trains for `rounds` rounds of `steps` steps on batches of 32 from `next`. Returns each round's mean loss.
template <typename Next>
std::vector<double> train(const NetworkDescription &description, int rounds, int steps, const Next &next) {
    Random random(0);
    Network network(description, 32, 2);
    REQUIRE(glorot_uniform(network, random) == 0);
    Optimizer adam;
    std::vector<double> losses;
    for (int round = 0; round < rounds; round++) {
        double sum = 0;
        for (int step = 0; step < steps; step++) {
            const std::vector<float> batch = next(random);
            const StepResult result = adam.step(network, Batch::of(batch, batch, 32));
            REQUIRE(result.error == 0);
            sum += result.loss;
        }
        losses.push_back(sum / steps);
    }
    return losses;
}

TEST_CASE("training: the penalties alone are those of the reference, also of a network that is laid out for inference") {
    for (const NetworkDescription *description : {&test_odd::network, &test_gap::network}) {
        CAPTURE(description->name);
        for (const Purpose purpose : {Purpose::training, Purpose::inference}) {
            Random random(6);
            Network network(*description, 2, 1, purpose);
            set_random_weights(network, random);
            double want = 0;
            for (const ReferenceLayer &layer : ReferenceNetwork(network).layers)
                for (const double w : layer.kernel) want += double{layer.description.l2} * w * w;
            const StepResult penalty = network.penalty();
            REQUIRE(penalty.error == 0);
            CHECK(penalty.loss == doctest::Approx(want).epsilon(1e-6));
            CHECK((want > 0.01) == (description == &test_odd::network));
        }
    }
    CHECK(Network(test_odd::network, 0, 1).penalty().error != 0);
}

TEST_CASE("training: the loss falls on blurred spots") {
    use_threads(2);
    for (const NetworkDescription *description : {&mnist_cae::network, &test_rgb::network}) {
        CAPTURE(description->name);
        const castnet::Shape shape = description->input;
        const auto spots = [&](Random &random) {
            std::vector<float> batch;
            for (int image = 0; image < 32; image++) {
                const float cy = random.uniform() * float(shape.height), cx = random.uniform() * float(shape.width);
                for (int y = 0; y < shape.height; y++)
                    for (int x = 0; x < shape.width; x++)
                        for (int c = 0; c < shape.channels; c++)
                            batch.push_back(std::exp(-((float(y) - cy) * (float(y) - cy) + (float(x) - cx) * (float(x) - cx)) / 18));
            }
            return batch;
        };
        const std::vector<double> losses = train(*description, 4, 60, spots);
        CHECK(losses.back() < 0.6 * losses.front());
    }
    use_threads(1);
}

TEST_CASE("training: the penalties are computed without denormal numbers, from the first step on") {
    if (FlushDenormals::mask == 0) return;
    Network network(test_odd::network, 4, 1);
    for (std::size_t l = 0; l < test_odd::layers.size(); l++) std::ranges::fill(network.kernel(l), 1e-20F);  // their squares are denormal
    REQUIRE(network.weights_changed() == 0);
    const std::vector<float> zeros(4 * test_odd::input.size());
    const StepResult result = network.backward(Batch::of(zeros, zeros, 4));
    CHECK(result.error == 0);
    CHECK(result.loss == 0);
}

}  // namespace
}  // namespace castnet::test

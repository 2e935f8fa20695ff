// Compares Adam with steps computed by hand from Keras's formula, and tests it in a network.
#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include "runtime/optimizer.h"
#include "runtime/random.h"
#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

TEST_CASE("adam: the first steps, computed by hand") {
    // test_one: y = tanh(w2 (w1 x + b1) + b2). With w1 = 1, b1 = 0, w2 = 0, b2 = 0, x = 1, t = -1: y = 0, dL/dz = 2 (0 + 1) = 2, so
    // g(w2) = 2, g(b2) = 2, and g(w1) = g(b1) = 0 as w2 = 0.
    Network network(test_one::network, 1, 1);
    network.kernel(0)[0] = 1;
    REQUIRE(network.weights_changed() == 0);
    const std::vector<float> x{1}, t{-1};
    Adam adam{.learning_rate = 0.1F};

    const StepResult first = adam.step(network, Batch::of(x, t, 1));
    CHECK(first.error == 0);
    CHECK(first.loss == doctest::Approx(1));
    REQUIRE(network.sum_gradients(1) == 0);
    CHECK(network.kernel(1, Block::gradients)[0] == doctest::Approx(2));
    // m = 0.1·2 = 0.2, v = 0.001·4 = 0.004; rate = 0.1·√0.001/0.1 = 0.0316228; w = -0.0316228·0.2/(0.0632456 + 1e-7) = -0.0999998.
    CHECK(network.kernel(1, Block::moments_1)[0] == doctest::Approx(0.2));
    CHECK(network.kernel(1, Block::moments_2)[0] == doctest::Approx(0.004));
    CHECK(network.kernel(1)[0] == doctest::Approx(-0.0999998).epsilon(1e-6));
    CHECK(network.bias(1)[0] == doctest::Approx(-0.0999998).epsilon(1e-6));
    CHECK(network.kernel(0)[0] == 1);  // g = 0: m = v = 0, and 0/(0 + ε) moves nothing

    // The second step, in double: z = w2·1 + b2 = -0.2, y = tanh(-0.2).
    const double y = std::tanh(2 * double(network.kernel(1)[0]));
    const double g = 2 * (y + 1) * (1 - y * y);
    const double m = 0.2 + 0.1 * (g - 0.2), v = 0.004 + 0.001 * (g * g - 0.004);
    const double rate = 0.1 * std::sqrt(1 - 0.999 * 0.999) / (1 - 0.9 * 0.9);
    const double w = double(network.kernel(1)[0]) - rate * m / (std::sqrt(v) + 1e-7);
    REQUIRE(adam.step(network, Batch::of(x, t, 1)).error == 0);
    CHECK(network.kernel(1)[0] == doctest::Approx(w).epsilon(1e-5));
    CHECK(adam.steps == 2);
}

TEST_CASE("adam: every parameter takes Keras's step") {
    Random random(2);
    Network network(test_odd::network, 4, 1);
    set_random_weights(network, random);
    const std::vector<float> images = random_values(4 * test_odd::input.size(), random);
    Adam adam;
    for (int step = 1; step <= 3; step++) {
        REQUIRE(network.backward(Batch::of(images, images, 4)).error == 0);
        std::vector<std::vector<double>> wanted;
        for (std::size_t l = 0; l < test_odd::layers.size(); l++) {
            REQUIRE(network.sum_gradients(l) == 0);
            std::vector<double> w;
            for (std::size_t i = 0; i < network.kernel(l).size(); i++) {
                const double g = network.kernel(l, Block::gradients)[i];
                const double m = 0.9 * network.kernel(l, Block::moments_1)[i] + 0.1 * g,
                             v = 0.999 * network.kernel(l, Block::moments_2)[i] + 0.001 * g * g;
                const double rate = 1e-3 * std::sqrt(1 - std::pow(0.999, step)) / (1 - std::pow(0.9, step));
                w.push_back(network.kernel(l)[i] - rate * m / (std::sqrt(v) + 1e-7));
            }
            wanted.push_back(std::move(w));
        }
        REQUIRE(adam.step(network, Batch::of(images, images, 4)).error == 0);
        for (std::size_t l = 0; l < test_odd::layers.size(); l++) {
            double worst = 0;
            for (std::size_t i = 0; i < network.kernel(l).size(); i++)
                worst = std::max(worst, std::abs(network.kernel(l)[i] - wanted[l][i]));
            CHECK(worst < 1e-6);  // a thousandth of a step
        }
    }
}

}  // namespace
}  // namespace castnet::test

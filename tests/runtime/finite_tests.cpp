// Tests that bad numbers are found where they come in, and within the step in which they arise.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "runtime/autoencoder.h"
#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

TEST_CASE("finite: every kind of number is told apart, wherever it stands") {
    std::vector<float> values(67, 1.0F);
    values[3] = std::numeric_limits<float>::max();
    values[5] = std::numeric_limits<float>::denorm_min();
    values[7] = -0.0F;
    CHECK(all_finite(values));
    CHECK(all_finite({}));
    for (std::size_t place = 0; place < values.size(); place++) {
        for (const float wrong : {infinity, -infinity, nan, -nan}) {
            const float before = std::exchange(values[place], wrong);
            CHECK_FALSE(all_finite(values));
            values[place] = before;
        }
    }
}

TEST_CASE("finite: a step on images that are not is an error within that step, in every network and for every batch") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        for (const float wrong : {infinity, -infinity, nan}) {
            for (const int images : {1, 5, 32}) {
                Autoencoder model(*description, {.batch_size = 32, .threads = 2});
                Random random(1);
                std::vector<float> batch = random_values(std::size_t(images) * description->input.size(), random);
                const std::vector<float> targets = random_values(std::size_t(images) * description->output.size(), random);
                const bool reproduces = description->input == description->output;
                REQUIRE(model.step(batch, targets).error == 0);
                batch[random.below(std::uint32_t(batch.size()))] = wrong;
                CHECK((reproduces ? model.step(batch) : model.step(batch, targets)).error != 0);
                CHECK(std::string_view(model.error_message()) != "");
            }
        }
    }
}

TEST_CASE("finite: weights that overflow name their layer, though the loss was still a number") {
    Autoencoder model(mnist_cae::network, {.batch_size = 4, .optimizer = {.learning_rate = 3e38F}});
    Random random(2);
    const std::vector<float> images = random_values(4 * mnist_cae::input.size(), random);
    StepResult result;
    int steps = 0;
    for (; result.error == 0 && steps < 20; steps++) result = model.step(images);
    CHECK(result.error != 0);
    const std::string message = model.error_message();
    CAPTURE(message);
    CHECK((message.find("weights of conv2d") == 0 || message == "the loss is no longer a finite number"));
    CHECK(steps <= 3);
}

TEST_CASE("finite: a NaN that a relu swallows is found in the weights") {
    // The next step's loss may be finite again: max(NaN, 0) can be 0.
    for (std::size_t layer = 0; layer < mnist_cae::network.layers.size(); layer++) {
        CAPTURE(layer);
        Autoencoder model(mnist_cae::network, {.batch_size = 4});
        model.network().kernel(layer)[5] = nan;
        REQUIRE(model.network().weights_changed() == 0);
        Random random(3);
        const std::vector<float> images = random_values(4 * mnist_cae::input.size(), random);
        CHECK(model.step(images).error != 0);
    }
}

TEST_CASE("finite: weights that are not are not taken") {
    test_gap::Autoencoder model;
    std::vector<float> weights(test_gap::parameter_count, 0.5F), after(weights.size());
    REQUIRE(model.load(weights) == 0);
    std::vector<float> broken = weights;
    broken.back() = nan;
    CHECK(model.load(broken) != 0);
    REQUIRE(model.save(after) == 0);
    CHECK(after == weights);
}

TEST_CASE("finite: an error's message is its own, not an earlier one's") {
    test_gap::Autoencoder model({.batch_size = 2});
    std::vector<float> images(test_gap::input.size(), nan), codes(1);
    REQUIRE(model.step(images).error != 0);
    CHECK(model.encode(images, codes) != 0);
    CHECK(std::string_view(model.error_message()).find("there is not room") == 0);
}

}  // namespace
}  // namespace castnet::test

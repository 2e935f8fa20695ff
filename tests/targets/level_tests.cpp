// A library for several levels of x86-64: each level that this CPU has computes the same, and the greatest one is chosen.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "runtime/autoencoder.h"
#include "runtime/target.h"
#include "test_levels.h"
#include "tests/runtime/reference_network.h"

namespace castnet::test {
namespace {

constexpr std::size_t images = 9;

std::vector<float> random_values(std::size_t count, std::uint64_t seed) {
    Random random(seed);
    std::vector<float> values(count);
    for (float &value : values) value = random.uniform();
    return values;
}

const std::vector<float> inputs = random_values(images * test_levels::input.size(), 1);

/// Returns the levels that this CPU has.
std::vector<const NetworkDescription *> levels_here() {
    std::vector<const NetworkDescription *> levels;
    for (const NetworkDescription &level : test_levels::levels) {
        std::array<char, 200> lacking{};
        write_lacking_features(level.target, lacking);
        if (lacking.front() == '\0') levels.push_back(&level);
    }
    return levels;
}

/// Returns the largest difference from the expected values, relative to the largest of them.
double distance(std::span<const float> values, std::span<const float> expected) {
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < expected.size(); i++) {
        difference = std::max(difference, std::abs(double(values[i]) - double(expected[i])));
        largest = std::max(largest, std::abs(double(expected[i])));
    }
    return difference / largest;
}

/// Returns all weights after some steps, the last on one image alone.
std::vector<float> train(const NetworkDescription &level, int threads) {
    Autoencoder model(level, {.batch_size = int(images), .threads = threads, .seed = 3});
    REQUIRE(model.is_ready());
    for (int step = 0; step < 20; step++) REQUIRE(model.step(inputs).error == 0);
    REQUIRE(model.step(std::span(inputs).first(test_levels::input.size())).error == 0);
    std::vector<float> weights(test_levels::parameter_count);
    REQUIRE(model.save(weights) == 0);
    return weights;
}

TEST_CASE("levels: the three of x86-64 are there, the greatest first, each under its name") {
    REQUIRE(test_levels::levels.size() == 3);
    for (std::size_t i = 0; i < 3; i++) {
        const std::string_view name = std::array{"x86-64-avx512", "x86-64-avx2", "x86-64-sse41"}[i];
        CHECK(test_levels::levels[i].level == name);
        CHECK(find_level(test_levels::levels, name) == &test_levels::levels[i]);
    }
    CHECK(find_level(test_levels::levels, "x86-64") == nullptr);
}

TEST_CASE("levels: the network is of the greatest one that the CPU has") {
    REQUIRE_FALSE(levels_here().empty());
    CHECK(&choose_level(test_levels::levels) == levels_here().front());
    const test_levels::Autoencoder model;
    CHECK(model.is_ready());
    CHECK(model.description().level == levels_here().front()->level);
}

TEST_CASE("levels: one that the CPU lacks is not ready, and says why") {
    const std::vector<const NetworkDescription *> here = levels_here();
    for (const NetworkDescription &level : test_levels::levels) {
        if (std::ranges::find(here, &level) != here.end()) continue;
        const Autoencoder model(level);
        CHECK_FALSE(model.is_ready());
        CHECK(std::string_view(model.error_message()).starts_with("this CPU lacks "));
    }
}

TEST_CASE("levels: where no level fits, the least says what is missing") {
    std::array levels{test_levels::levels[1], test_levels::levels[2]};
    for (NetworkDescription &level : levels) level.target = "x86-64-linux-avx512-fma4-sse41";  // no CPU has both
    CHECK(&choose_level(levels) == &levels.back());
    CHECK_FALSE(Autoencoder(choose_level(levels)).is_ready());
}

TEST_CASE("levels: each computes the formulas' outputs") {
    for (const NetworkDescription *level : levels_here()) {
        CAPTURE(level->level);
        Autoencoder model(*level, {.batch_size = int(images)});
        const ReferenceNetwork reference(model.network());
        std::vector<float> outputs(images * test_levels::output.size());
        REQUIRE(model.reconstruct(inputs, outputs) == 0);
        const std::vector<double> expected =
            reference.forward({inputs.begin(), inputs.begin() + std::ptrdiff_t(test_levels::input.size())}, 0, level->layers.size());
        for (std::size_t i = 0; i < expected.size(); i++) CHECK(outputs[i] == doctest::Approx(expected[i]).epsilon(1e-5));
    }
}

TEST_CASE("levels: their losses and gradients are those of the least") {
    const auto gradients = [](const NetworkDescription &level, double &loss) {
        Network network(level, int(images), 1);
        Random random(2);
        REQUIRE(glorot_uniform(network, random) == 0);
        network.draw(5, 6);
        const StepResult result = network.backward(Batch::of(inputs, inputs, int(images)));
        REQUIRE(result.error == 0);
        loss = result.loss;
        std::vector<float> all;
        for (std::size_t l = 0; l < level.layers.size(); l++) REQUIRE(network.sum_gradients(l) == 0);
        for (const Network::Tensor &tensor : network.tensors(Block::gradients))
            all.insert(all.end(), tensor.values.begin(), tensor.values.end());
        return all;
    };
    double expected_loss = 0, loss = 0;
    const std::vector<float> expected = gradients(test_levels::levels.back(), expected_loss);
    for (const NetworkDescription *level : levels_here()) {
        CAPTURE(level->level);
        CHECK(distance(gradients(*level, loss), expected) < 1e-5);
        CHECK(loss == doctest::Approx(expected_loss).epsilon(1e-6));
    }
}

TEST_CASE("levels: each trains the same bits with any number of threads, and nearly those of the least") {
    const std::vector<float> least = train(test_levels::levels.back(), 1);
    for (const NetworkDescription *level : levels_here()) {
        CAPTURE(level->level);
        const std::vector<float> weights = train(*level, 1);
        CHECK(std::memcmp(train(*level, 3).data(), weights.data(), weights.size() * sizeof(float)) == 0);
        CHECK(distance(weights, least) < 0.02);  // a step of Adam is as long for a gradient of rounding errors
    }
}

TEST_CASE("levels: each measures the peak of its own vectors") {
    for (const NetworkDescription *level : levels_here()) {
        float result = 0, width = 0;
        Failure failure;
        REQUIRE(level->fma_peak(
                    failure, {.steps = 3, .factor = 0.5F, .addend = 1, .result = Operand(&result, {}), .width = Operand(&width, {})}) == 0);
        const int lanes = level->level == "x86-64-avx512" ? 16 : level->level == "x86-64-avx2" ? 8 : 4;
        CHECK(int(width) % lanes == 0);
        CHECK(int(width) <= 32 * lanes);
    }
}

}  // namespace
}  // namespace castnet::test

// Tests what images lose before a network sees them, and that it learns their targets.
#include "runtime/corruption.h"

#include <doctest/doctest.h>

#include <cmath>

#include "runtime/optimizer.h"
#include "runtime/parallel.h"
#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

constexpr float far = 1e9F;  // nothing is clipped there

std::vector<float> corrupted(const Corruption &corruption, std::size_t index, std::size_t elements, float value = 0) {
    std::vector<float> image(elements, value);
    corruption.apply(index, image);
    return image;
}

double mean_product(const std::vector<float> &a, const std::vector<float> &b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); i++) sum += double(a[i]) * b[i];
    return sum / double(a.size());
}

TEST_CASE("corruption: the noise is normal") {
    constexpr std::size_t count = 400001;  // odd, as images may be
    std::vector<float> noise = corrupted({.noise = 0.4F, .least = -far, .most = far, .key = 3}, 7, count, 10);
    double sum = 0, cubes = 0, fourths = 0;
    std::array<std::size_t, 4> beyond{};
    for (float &value : noise) {
        value = (value - 10) / 0.4F;
        sum += value;
        cubes += std::pow(double(value), 3);
        fourths += std::pow(double(value), 4);
        for (std::size_t sigmas = 1; sigmas < 4; sigmas++) beyond.at(sigmas) += std::abs(value) > float(sigmas) ? 1 : 0;
    }
    // Within four standard deviations of each mean.
    const double n = count, error = 4 / std::sqrt(n);
    CHECK(std::abs(sum / n) < error);
    CHECK(std::abs(mean_product(noise, noise) - 1) < error * std::sqrt(2.0));
    CHECK(std::abs(cubes / n) < error * std::sqrt(15.0));
    CHECK(std::abs(fourths / n - 3) < error * std::sqrt(96.0));
    constexpr std::array<double, 4> shares{1, 0.31731, 0.04550, 0.0027};
    for (std::size_t sigmas = 1; sigmas < 4; sigmas++)
        CHECK(std::abs(double(beyond.at(sigmas)) / n - shares.at(sigmas)) < error * std::sqrt(shares.at(sigmas)));
    // Neighbours, also those of one pair, have nothing to do with each other.
    for (const std::ptrdiff_t distance : {1, 2, 28}) {
        const std::vector<float> first(noise.begin(), noise.end() - distance), second(noise.begin() + distance, noise.end());
        CHECK(std::abs(mean_product(first, second)) < error);
    }
}

TEST_CASE("corruption: what an image draws follows from the key and its index, and from nothing else") {
    const auto draw = [](std::uint64_t key, std::size_t index) {
        return corrupted({.noise = 1, .least = -far, .most = far, .key = key}, index, 100000);
    };
    const std::vector<float> image = draw(5, 9);
    CHECK(draw(5, 9) == image);
    for (const auto &other : {draw(5, 10), draw(5, 8), draw(6, 9), draw(4, 9), draw(6, 8)})
        CHECK(std::abs(mean_product(image, other)) < 4 / std::sqrt(100000.0));
    std::vector<std::uint64_t> keys{0};  // of evaluations
    for (const std::uint64_t seed : {0, 1, 2})
        for (const std::uint64_t epoch : {0, 1, 2}) keys.push_back(Corruption::key_of(seed, epoch));
    std::ranges::sort(keys);
    CHECK(std::ranges::adjacent_find(keys) == keys.end());
}

TEST_CASE("corruption: noise stays within the range of the data") {
    const std::vector<float> image = corrupted({.noise = 2, .least = -0.5F, .most = 1.5F}, 0, 1000, 0.5F);
    const auto [least, most] = std::ranges::minmax(image);
    CHECK(least == -0.5F);
    CHECK(most == 1.5F);
}

TEST_CASE("corruption: a mask takes whole pixels, as many as it should, and leaves the others") {
    constexpr std::size_t pixels = 100000;
    const std::vector<float> image = corrupted({.mask = 0.2F, .channels = 3}, 1, 3 * pixels, 0.7F);
    std::size_t masked = 0;
    for (std::size_t pixel = 0; pixel < pixels; pixel++) {
        const float first = image[3 * pixel];
        REQUIRE((first == 0 || first == 0.7F));
        REQUIRE((image[3 * pixel + 1] == first && image[3 * pixel + 2] == first));
        masked += first == 0 ? 1 : 0;
    }
    CHECK(std::abs(double(masked) / pixels - 0.2) < 4 * std::sqrt(0.2 * 0.8 / pixels));
    CHECK(corrupted({.mask = 1}, 0, 50, 0.7F) == std::vector<float>(50, 0.0F));
    CHECK(corrupted({}, 0, 50, 0.7F) == std::vector<float>(50, 0.7F));
    // Lost pixels are 0, whatever the range.
    const std::vector<float> both = corrupted({.noise = 0.1F, .mask = 0.5F, .least = 2, .most = 3}, 0, 1000, 2.5F);
    const auto lost = std::ranges::count(both, 0.0F);
    CHECK(std::abs(double(lost) - 500) < 4 * std::sqrt(250.0));
    CHECK(std::ranges::count_if(both, [](float value) { return value >= 2; }) == 1000 - lost);
}

/// Images and targets in stores, and the same as a batch of floats.
struct Stored {
    std::vector<std::uint8_t> bytes;
    std::vector<float> targets, dense_inputs, dense_targets;
    std::vector<std::uint32_t> indices;
    Examples examples;

    Stored(const NetworkDescription &description, const Corruption &corruption, Random &random)
        : bytes(40 * description.input.size()), targets(random_values(40 * description.output.size(), random)) {
        for (std::uint8_t &byte : bytes) byte = std::uint8_t(random.below(256));
        const std::size_t in = description.input.size(), out = description.output.size();
        examples = {.images = ImageView(bytes.data(), in), .targets = ImageView(targets.data(), out), .corruption = corruption};
        for (std::uint32_t i = 0; i < 19; i++) {
            const std::uint32_t index = indices.emplace_back((7 * i + 3) % 40);
            std::vector<float> image(in);
            for (std::size_t e = 0; e < in; e++) image[e] = float(bytes[index * in + e]) / 255.0F;
            corruption.apply(index, image);
            dense_inputs.insert(dense_inputs.end(), image.begin(), image.end());
            const auto target = std::span(targets).subspan(index * out, out);
            dense_targets.insert(dense_targets.end(), target.begin(), target.end());
        }
    }
};

TEST_CASE("network: examples in a store are learned as the same corrupted images and targets in a batch are") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        for (const Corruption &corruption : {Corruption{}, Corruption{.noise = 0.4F, .mask = 0.2F, .key = 8}}) {
            for (const int threads : {1, 3}) {
                use_threads(threads);
                Random random(2), same(4);
                const Stored stored(*description, corruption, random);
                Network from_store(*description, 19, threads), from_batch(*description, 19, 1);
                set_random_weights(from_store, same);
                for (std::size_t t = 0; t < from_store.tensors().size(); t++)
                    std::ranges::copy(from_store.tensors()[t].values, from_batch.tensors()[t].values.begin());
                REQUIRE(from_batch.weights_changed() == 0);
                const StepResult got = Optimizer().step(from_store, Batch::of(stored.examples, stored.indices)),
                                 want = Optimizer().step(from_batch, Batch::of(stored.dense_inputs, stored.dense_targets, 19));
                REQUIRE(got.error == 0);
                CHECK(got.loss == want.loss);
                for (std::size_t t = 0; t < from_store.tensors().size(); t++)
                    CHECK(std::ranges::equal(from_store.tensors()[t].values, from_batch.tensors()[t].values));
            }
        }
    }
    use_threads(1);
}

TEST_CASE("autoencoder: where the output has another shape, images cannot be their own targets") {
    test_colour::Autoencoder model({.batch_size = 3});
    Random random(1);
    // As many floats as three images, or one output.
    const std::vector<float> images = random_values(3 * test_colour::input.size(), random),
                             targets = random_values(3 * test_colour::output.size(), random);
    std::vector<float> losses(3);
    CHECK(model.step(images).error != 0);
    CHECK(model.error_message() == std::string("the network's output has another shape than its input; give targets of that shape"));
    CHECK(model.losses(images, losses) != 0);
    CHECK(model.step(images, std::span(targets).first(2 * test_colour::output.size())).error != 0);
    CHECK(model.losses(images, targets, losses) == 0);
    CHECK(model.step(images, targets).error == 0);
}

}  // namespace
}  // namespace castnet::test

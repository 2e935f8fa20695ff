#include "runtime/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

TEST_CASE("random: SplitMix64's published sequence") {
    Random random(1234567);  // the example of the reference implementations
    CHECK(random.next() == 6457827717110365317U);
    CHECK(random.next() == 3203168211198807973U);
    CHECK(random.next() == 9817491932198370423U);
}

TEST_CASE("random: below() reaches every value about equally often") {
    Random random(1);
    std::array<int, 7> counts{};
    for (int i = 0; i < 70000; i++) counts.at(random.below(7))++;
    for (const int count : counts) CHECK(std::abs(count - 10000) < 400);  // four standard deviations
    CHECK(random.below(1) == 0);
}

TEST_CASE("random: below() prefers no value, however badly the bound divides 2³²") {
    // Without rejection, every third value below 3·2³⁰ would come twice as often as the others.
    Random random(2);
    int thirds = 0;
    for (int i = 0; i < 30000; i++) thirds += random.below(3U << 30U) % 3 == 0 ? 1 : 0;
    CHECK(std::abs(thirds - 10000) < 330);  // four standard deviations
}

TEST_CASE("random: the state is the whole of it") {
    Random a(5);
    a.next();
    Random b(a.state());
    CHECK(a.next() == b.next());
}

TEST_CASE("random: a shuffle is a permutation, and moves what it may") {
    std::vector<std::uint32_t> values(1000);
    std::iota(values.begin(), values.end(), 0U);
    Random random(0);
    shuffle(values, random);
    std::vector<std::uint32_t> sorted = values;
    std::ranges::sort(sorted);
    int fixed = 0;
    for (std::uint32_t i = 0; i < 1000; i++) {
        REQUIRE(sorted[i] == i);
        if (values[i] == i) fixed++;
    }
    CHECK(fixed < 10);
}

TEST_CASE("random: every order is about equally often that of a shuffle") {
    Random random(3);
    std::map<std::vector<std::uint32_t>, int> counts;
    for (int i = 0; i < 60000; i++) {
        std::vector<std::uint32_t> values{0, 1, 2};
        shuffle(values, random);
        counts[values]++;
    }
    CHECK(counts.size() == 6);
    for (const auto &[order, count] : counts) CHECK(std::abs(count - 10000) < 400);  // four standard deviations
}

TEST_CASE("random: a shuffle that is skipped leaves the generator where the shuffle would") {
    for (const std::size_t count : {0, 1, 2, 1000}) {
        std::vector<std::uint32_t> values(count);
        Random shuffled(5), skipped(5);
        shuffle(values, shuffled);
        skip_shuffle(count, skipped);
        CHECK(shuffled.state() == skipped.state());
    }
}

TEST_CASE("random: glorot_uniform fills ±√(6 / (fan_in + fan_out)), and biases are zero") {
    Network network(mnist_cae::network, 1, 1);
    Random random(0);
    REQUIRE(glorot_uniform(network, random) == 0);
    for (std::size_t l = 0; l < mnist_cae::layers.size(); l++) {
        const LayerDescription &layer = mnist_cae::layers[l];
        const double limit = std::sqrt(6.0 / (layer.kernel_height * layer.kernel_width * (layer.input.channels + layer.output.channels)));
        double largest = 0, sum = 0, squares = 0;
        for (const float w : network.kernel(l)) {
            largest = std::max(largest, std::abs(double(w)));
            sum += w;
            squares += double(w) * w;
        }
        const auto count = double(layer.kernel_size());
        CHECK(largest <= limit);
        CHECK(largest > 0.97 * limit);
        CHECK(std::abs(sum / count) < 4 * limit / std::sqrt(3 * count));
        CHECK(squares / count == doctest::Approx(limit * limit / 3).epsilon(0.15));
        for (const float b : network.bias(l)) CHECK(b == 0);
    }
}

}  // namespace
}  // namespace castnet::test

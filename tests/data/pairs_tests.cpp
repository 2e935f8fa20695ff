// Tests pairs of images and targets, and what is seen of the images.
#include "train/data/pairs.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/temporary.h"
#include "train/data/npy.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

TEST_CASE("pairs: noise stays within the images' own range, and targets are clean") {
    std::vector<std::uint32_t> indices = all_indices(100);
    std::vector<float> values(400, 0.2F);
    values.front() = -3;
    values.back() = 2;
    const Dataset bytes{.shape = {2, 2, 1}, .bytes = std::vector<std::uint8_t>(400, 51), .floats = {}, .labels = {}},
        floats{.shape = {2, 2, 1}, .bytes = {}, .floats = values, .labels = {}};
    for (const auto &[images, least, most] : {std::tuple(bytes, 0.0F, 1.0F), std::tuple(floats, -3.0F, 2.0F)}) {
        const Pairs pairs{.images = images, .corruption = corruption_of(images, 5, 0)};
        const std::vector<float> seen = pairs.inputs_at(indices);
        CHECK(std::ranges::min(seen) == least);
        CHECK(std::ranges::max(seen) == most);
        CHECK(pairs.targets_at(indices) == images.gather(indices));
        CHECK_FALSE(pairs.examples().reproduce());
        const Pairs clean{.images = images, .corruption = corruption_of(images, 0, 0)};
        CHECK(clean.examples().reproduce());
        CHECK(clean.inputs_at(indices) == images.gather(indices));
    }
    // An image is seen alike, whatever is seen beside it.
    const Pairs pairs{.images = bytes, .corruption = corruption_of(bytes, 0.5F, 0.3F)};
    const std::vector<float> all = pairs.inputs_at(indices);
    const std::array<std::uint32_t, 2> some{70, 3};
    const std::vector<float> two = pairs.inputs_at(some);
    CHECK(std::equal(two.begin(), two.begin() + 4, all.begin() + 280));
    CHECK(std::equal(two.begin() + 4, two.end(), all.begin() + 12));
}

TEST_CASE("pairs: targets are chosen by the images' labels, in their order") {
    const TemporaryFolder folder;
    const std::filesystem::path data = folder.path() / "data", targets = folder.path() / "targets.npy";
    std::filesystem::create_directory(data);
    write_npy(data / "train.npy", {4, 1, 1, 1}, std::vector<float>{1, 2, 3, 4});
    write_npy(data / "train-labels.npy", {4}, std::vector<float>{5, 6, 5, 7});
    write_npy(targets, {4, 1, 2, 1}, std::vector<float>{10, 11, 20, 21, 30, 31, 40, 41});
    NetworkDescription network;
    network.input = {1, 1, 1};
    network.output = {1, 2, 1};
    const Pairs pairs = load_pairs(data, targets, Part::train, network, {5, 7});
    CHECK(pairs.images.floats == std::vector<float>{1, 3, 4});
    CHECK(pairs.images.labels == std::vector<int>{5, 5, 7});
    CHECK(pairs.targets->floats == std::vector<float>{10, 11, 30, 31, 40, 41});
    const std::array<std::uint32_t, 2> some{2, 0};
    CHECK(pairs.inputs_at(some) == std::vector<float>{4, 1});
    CHECK(pairs.targets_at(some) == std::vector<float>{40, 41, 10, 11});
    CHECK(has_targets(pairs, network));
    CHECK_FALSE(has_targets(load_pairs(data, "", Part::train, network, {}), network));
    CHECK_THROWS_AS(load_pairs(data, targets, Part::train, network, {8}), Error);
    write_npy(targets, {3, 1, 2, 1}, std::vector<float>(6));
    CHECK_THROWS_AS(load_pairs(data, targets, Part::train, network, {5, 7}), Error);  // though three are chosen
}

}  // namespace
}  // namespace castnet::test

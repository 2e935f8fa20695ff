#include "runtime/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "runtime/error.h"
#include "tests/temporary.h"

namespace castnet::test {
namespace {

std::string reason(const std::filesystem::path &folder, const Shape &shape, const std::vector<int> &classes) {
    try {
        load_dataset(folder, Part::train, shape, classes);
    } catch (const Error &error) {
        return error.what();
    }
    return "no error";
}

TEST_CASE("dataset: keeps the chosen classes, scales bytes, takes three channels") {
    const TemporaryFolder folder;
    write_dataset(folder.path(), 10, {4, 5, 3});
    const Dataset all = load_dataset(folder.path(), Part::test, {4, 5, 3}, {});
    CHECK(all.size() == 10);
    const std::vector<float> images = all.gather(all_indices(10));
    CHECK(images.size() == 600);
    CHECK(*std::ranges::max_element(images) <= 1);
    CHECK(*std::ranges::max_element(images) > 0.9F);
    const Dataset fives = load_dataset(folder.path(), Part::test, {4, 5, 3}, {5, 6});
    CHECK(fives.labels == std::vector<int>{5, 6, 5, 6, 5, 6});
    const std::vector<std::uint32_t> first{0}, second{1};
    CHECK(fives.gather(first) == all.gather(second));
}

TEST_CASE("dataset: what does not fit is named") {
    const TemporaryFolder folder;
    write_dataset(folder.path(), 10, {4, 5});
    CHECK(reason(folder.path(), {4, 5, 1}, {7}).find("has no train image of the classes 7") != std::string::npos);
    CHECK(reason(folder.path(), {5, 4, 1}, {}).find("images are 4x5, the network's are 5x4") != std::string::npos);
    CHECK(reason(folder.path(), {4, 5, 3}, {}).find("images are 4x5, the network's are 4x5x3") != std::string::npos);
    CHECK(reason(folder.path() / "missing", {4, 5, 1}, {}).find("is not a folder") != std::string::npos);
    write_gzip(folder.path() / "train-labels-idx1-ubyte.gz", idx_bytes(0x08, {9}, "123456789"));
    CHECK(reason(folder.path(), {4, 5, 1}, {}).find("9 labels do not match 10 train images") != std::string::npos);
    std::filesystem::remove(folder.path() / "train-labels-idx1-ubyte.gz");
    CHECK(reason(folder.path(), {4, 5, 1}, {}).find("holds neither train-labels-idx1-ubyte nor") != std::string::npos);
}

TEST_CASE("dataset: floats are kept as they are") {
    const TemporaryFolder folder;
    write_dataset(folder.path(), 3, {1, 2});
    std::string values;
    for (const std::uint32_t bits : {0x3fc00000U, 0xbf800000U, 0U, 0x3f800000U, 0x40000000U, 0U}) values += big_endian(bits);
    write_gzip(folder.path() / "train-images-idx3-ubyte.gz", idx_bytes(0x0D, {3, 1, 2}, values));
    const Dataset dataset = load_dataset(folder.path(), Part::train, {1, 2, 1}, {1, 6});
    const std::vector<std::uint32_t> order{1, 0};
    CHECK(dataset.gather(order) == std::vector<float>{2, 0, 1.5, -1});
}

TEST_CASE("dataset: a stratified split takes the same part of every class, and loses nothing") {
    std::vector<int> labels(300);
    for (std::size_t i = 0; i < labels.size(); i++) labels[i] = std::array{1, 5, 6}.at(i % 3);
    Random random(4), again(4);
    const auto [rest, validation] = split_stratified(labels, 0.2, random);
    CHECK(validation.size() == 60);
    CHECK(rest.size() == 240);
    for (const int label : {1, 5, 6}) CHECK(std::ranges::count_if(validation, [&](std::uint32_t i) { return labels[i] == label; }) == 20);
    CHECK(split_stratified(labels, 0.2, again).second == validation);
    std::vector<std::uint32_t> joined = rest;
    joined.insert(joined.end(), validation.begin(), validation.end());
    std::ranges::sort(joined);
    CHECK(joined == all_indices(300));
}

}  // namespace
}  // namespace castnet::test

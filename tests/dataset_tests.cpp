#include "runtime/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>

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
    CHECK(all.images.size() == 600);
    CHECK(*std::ranges::max_element(all.images) <= 1);
    CHECK(*std::ranges::max_element(all.images) > 0.9F);
    const Dataset fives = load_dataset(folder.path(), Part::test, {4, 5, 3}, {5, 6});
    CHECK(fives.labels == std::vector<int>{5, 6, 5, 6, 5, 6});
    CHECK(std::ranges::equal(fives.image(0), all.image(1)));
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

TEST_CASE("dataset: a stratified split takes the same part of every class, and loses nothing") {
    const TemporaryFolder folder;
    write_dataset(folder.path(), 300, {2, 2});
    const Dataset all = load_dataset(folder.path(), Part::train, {2, 2, 1}, {});
    Random random(4), again(4);
    const auto [rest, validation] = split_stratified(all, 0.2, random);
    CHECK(validation.size() == 60);
    CHECK(rest.size() == 240);
    for (const int label : {1, 5, 6}) CHECK(std::ranges::count(validation.labels, label) == 20);
    CHECK(split_stratified(all, 0.2, again).second.images == validation.images);
    std::vector<float> joined = rest.images, wanted = all.images;
    joined.insert(joined.end(), validation.images.begin(), validation.images.end());
    std::ranges::sort(joined);
    std::ranges::sort(wanted);
    CHECK(joined == wanted);
}

}  // namespace
}  // namespace castnet::test

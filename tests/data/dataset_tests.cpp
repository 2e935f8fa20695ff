#include "train/data/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <fstream>

#include "tests/temporary.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

std::string reason(const std::filesystem::path &data, const Shape &shape, const std::vector<int> &classes = {}, Part part = Part::train) {
    try {
        load_dataset(data, part, shape, classes);
    } catch (const Error &error) {
        CHECK(std::string(error.what()).find('\n') == std::string::npos);
        return error.what();
    }
    return "no error";
}

/// Writes bytes 0, 1, 2, … as a .npy of this shape.
void write_counting(const std::filesystem::path &path, const std::string &shape, std::size_t elements) {
    std::string bytes;
    for (std::size_t i = 0; i < elements; i++) bytes += static_cast<char>(i);
    write_plain(path, npy_bytes(npy_header("|u1", shape), bytes));
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
    CHECK(reason(folder.path() / "missing", {4, 5, 1}, {}).find("there is no such file or folder; give a .npy or IDX file, or a folder") !=
          std::string::npos);
    write_gzip(folder.path() / "train-labels-idx1-ubyte.gz", idx_bytes(0x08, {9}, "123456789"));
    CHECK(reason(folder.path(), {4, 5, 1}, {}).find("labels of shape (9) do not match 10 images") != std::string::npos);
    write_gzip(folder.path() / "train-labels-idx1-ubyte.gz", idx_bytes(0x08, {10, 1}, "1234567890"));
    CHECK(reason(folder.path(), {4, 5, 1}, {}).find("labels of shape (10, 1) do not match 10 images") != std::string::npos);
    write_gzip(folder.path() / "train-labels-idx1-ubyte.gz", idx_bytes(0x0D, {10}, std::string(36, '\0') + big_endian(0x3f000000U)));
    CHECK(reason(folder.path(), {4, 5, 1}, {}).find("0.5 is not a label; labels are whole numbers") != std::string::npos);
    write_gzip(folder.path() / "train-labels-idx1-ubyte.gz", idx_bytes(0x0D, {10}, std::string(36, '\0') + big_endian(0x7fc00000U)));
    CHECK(reason(folder.path(), {4, 5, 1}, {}).find("nan is not a label") != std::string::npos);
    write_gzip(folder.path() / "train-labels-idx1-ubyte.gz", "");
    CHECK(reason(folder.path(), {4, 5, 1}, {}).find("ends in its header") != std::string::npos);
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

TEST_CASE("dataset: IDX files without labels are unlabelled, and a set of one part is both") {
    const TemporaryFolder folder;
    write_dataset(folder.path(), 10, {4, 5});
    std::filesystem::remove(folder.path() / "t10k-labels-idx1-ubyte.gz");
    const Dataset test = load_dataset(folder.path(), Part::test, {4, 5, 1}, {5, 6});  // no labels to select by
    CHECK(test.size() == 10);
    CHECK(test.labels.empty());
    CHECK(load_dataset(folder.path(), Part::train, {4, 5, 1}, {5, 6}).size() == 6);
    std::filesystem::remove(folder.path() / "t10k-images-idx3-ubyte.gz");
    CHECK(load_dataset(folder.path(), Part::test, {4, 5, 1}, {}).labels.size() == 10);
    std::filesystem::remove(folder.path() / "train-images-idx3-ubyte.gz");
    CHECK(reason(folder.path(), {4, 5, 1}).find("holds no images that are understood; give a .npy") != std::string::npos);
    // Takes no memory for images that are only announced.
    write_gzip(folder.path() / "train-images-idx3-ubyte.gz", idx_bytes(0x08, {0xffffffffU, 4, 5}, "1234"));
    std::filesystem::remove(folder.path() / "train-labels-idx1-ubyte.gz");
    CHECK(reason(folder.path(), {4, 5, 1}).find("ends before its") != std::string::npos);
    write_gzip(folder.path() / "train-images-idx3-ubyte.gz", idx_bytes(0x08, {0, 4, 5}, ""));
    CHECK(reason(folder.path(), {4, 5, 1}).find("holds no train image") != std::string::npos);
}

TEST_CASE("dataset: IDX files are found in either spelling, plain or gzip, images and labels in any mix") {
    const TemporaryFolder folder;
    const std::string images = idx_bytes(0x08, {3, 1, 2}, "abcdef"), labels = idx_bytes(0x08, {3}, "\1\5\6");
    const auto spellings = [](const std::string &what, const std::string &type) {
        return std::vector<std::string>{what + "-" + type, what + "." + type, what + "-" + type + ".gz", what + "." + type + ".gz"};
    };
    const auto write = [&](const std::string &name, const std::string &bytes) {
        (name.ends_with(".gz") ? write_gzip : write_plain)(folder.path() / name, bytes);
    };
    for (const Part part : {Part::train, Part::test}) {
        const std::string prefix = part == Part::train ? "train" : "t10k";
        for (const std::string &images_name : spellings(prefix + "-images", "idx3-ubyte")) {
            for (const std::string &labels_name : spellings(prefix + "-labels", "idx1-ubyte")) {
                CAPTURE(images_name);
                CAPTURE(labels_name);
                write(images_name, images);
                write(labels_name, labels);
                const Dataset dataset = load_dataset(folder.path(), part, {1, 2, 1}, {5});
                CHECK(dataset.bytes == std::vector<std::uint8_t>{'c', 'd'});
                CHECK(dataset.missing_labels.empty());
                std::filesystem::remove(folder.path() / labels_name);
                CHECK(load_dataset(folder.path(), part, {1, 2, 1}, {5}).missing_labels == folder.path() / (prefix + "-labels-idx1-ubyte"));
                std::filesystem::remove(folder.path() / images_name);
            }
        }
    }
}

TEST_CASE("dataset: one IDX file is images without labels, and a file of labels has its own message") {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "images";
    const std::string images = idx_bytes(0x08, {2, 1, 2}, "abcd"), labels = idx_bytes(0x08, {3}, "\1\5\6");
    for (const auto write : {write_plain, write_gzip}) {
        write(file, images);
        for (const Part part : {Part::train, Part::test}) {
            const Dataset dataset = load_dataset(file, part, {1, 2, 1}, {1, 5});
            CHECK(dataset.bytes == std::vector<std::uint8_t>{'a', 'b', 'c', 'd'});
            CHECK(dataset.labels.empty());
            CHECK(dataset.missing_labels.empty());
        }
        CHECK(reason(file, {2, 2, 1}).find("images: its images are 1x2, the network's are 2x2") != std::string::npos);
        write(file, labels);
        CHECK(reason(file, {1, 2, 1}).find("images: holds 3 numbers in one dimension, like labels, and no images; give the file") !=
              std::string::npos);
    }
    write_plain(folder.path() / "train-images-idx3-ubyte", labels);
    CHECK(reason(folder.path(), {1, 2, 1}).find("train-images-idx3-ubyte: holds 3 numbers in one dimension, like labels") !=
          std::string::npos);
}

TEST_CASE("dataset: a label is called as its class, or is a number") {
    const std::vector<std::string> names{"10", "all", "cat"};
    CHECK(label_name(names, 2) == "cat");
    CHECK(label_name({}, -2) == "-2");
    CHECK(find_label(names, "cat") == 2);
    CHECK(find_label(names, "10") == 0);
    CHECK_FALSE(find_label(names, "2"));
    CHECK(find_label({}, "-2") == -2);
    for (const char *other : {"", "cat", "1 ", "1.5", "99999999999"}) CHECK_FALSE(find_label({}, other));
}

TEST_CASE("dataset: a .npy file is both parts, unlabelled, and bytes stay bytes, and extents of 1 may be left out") {
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "x.npy";
    for (const char *shape : {"3, 2, 2, 1", "3, 2, 2", "3, 1, 2, 2"}) {
        write_counting(file, shape, 12);
        for (const Part part : {Part::train, Part::test}) {
            const Dataset dataset = load_dataset(file, part, {2, 2, 1}, {1, 5});
            CHECK(dataset.size() == 3);
            CHECK(dataset.labels.empty());
            CHECK(dataset.bytes.size() == 12);
            CHECK(dataset.gather(all_indices(3)).back() == 11.0F / 255);
        }
    }
    write_plain(file, npy_bytes(npy_header("<f4", "1, 2"), raw_bytes<float>({-1.5F, 300})));
    CHECK(load_dataset(file, Part::train, {1, 2, 1}, {}).floats == std::vector<float>{-1.5F, 300});
    CHECK(reason(file, {2, 1, 3}).find("its shape is (1, 2), it must be (n, 2, 1, 3)") != std::string::npos);
    write_counting(file, "0, 2, 2, 1", 0);
    CHECK(reason(file, {2, 2, 1}).find("its shape is (0, 2, 2, 1)") != std::string::npos);
    write_plain(file, npy_bytes(npy_header("<i8", "1, 2"), raw_bytes<std::int64_t>({1, 2})));
    CHECK(reason(file, {1, 2, 1}).find("holds wide integers; give images as uint8") != std::string::npos);
    write_plain(file, "anything");
    CHECK(reason(file, {2, 2, 1}).find("does not begin as .npy does") != std::string::npos);
}

TEST_CASE("dataset: a folder of .npy files, with labels of any type and without") {
    const TemporaryFolder folder;
    const Shape shape{1, 2, 1};
    const auto file = [&](const std::string &name) { return folder.path() / name; };
    write_counting(file("train.npy"), "4, 1, 2, 1", 8);
    CHECK(load_dataset(folder.path(), Part::train, shape, {7}).size() == 4);
    CHECK(load_dataset(folder.path(), Part::test, shape, {}).size() == 4);

    const auto labels = [&](const std::string &type, const std::string &numbers) {
        write_plain(file("train-labels.npy"), npy_bytes(npy_header(type, "4,"), numbers));
        const Dataset fives = load_dataset(folder.path(), Part::train, shape, {5});
        CHECK(fives.bytes == std::vector<std::uint8_t>{2, 3, 6, 7});
        return load_dataset(folder.path(), Part::test, shape, {}).labels;
    };
    const std::vector<int> expected{1, 5, 6, 5};
    CHECK(labels("|u1", "\1\5\6\5") == expected);
    CHECK(labels("<i8", raw_bytes<std::int64_t>({1, 5, 6, 5})) == expected);
    CHECK(labels("<i4", raw_bytes<std::int32_t>({1, 5, 6, 5})) == expected);
    CHECK(labels("<f4", raw_bytes<float>({1, 5, 6, 5})) == expected);
    CHECK(labels("<f8", raw_bytes<double>({1, 5, 6, 5})) == expected);
    CHECK(reason(folder.path(), shape, {7}).find("has no train image of the classes 7; choose others") != std::string::npos);

    const auto refusal = [&](const std::string &type, const std::string &extents, const std::string &numbers) {
        write_plain(file("train-labels.npy"), npy_bytes(npy_header(type, extents), numbers));
        return reason(folder.path(), shape);
    };
    CHECK(refusal("|u1", "3,", "123").find("train-labels.npy: labels of shape (3) do not match 4 images") != std::string::npos);
    CHECK(refusal("|u1", "4, 1", "1234").find("labels of shape (4, 1) do not match") != std::string::npos);
    CHECK(refusal("<f8", "4,", raw_bytes<double>({1, 2, 2.5, 3})).find("2.5 is not a label") != std::string::npos);
    CHECK(refusal("<f4", "4,", raw_bytes<float>({1, 2, NAN, 3})).find("nan is not a label") != std::string::npos);
    for (const std::int64_t wide : {std::int64_t{1} << 24, (std::int64_t{1} << 24) + 1, -(std::int64_t{1} << 62)})
        CHECK(refusal("<i8", "4,", raw_bytes<std::int64_t>({1, 2, wide, 3})).find("is not a label") != std::string::npos);

    // The test part may have another type, and its own labels or none.
    write_plain(file("train-labels.npy"), npy_bytes(npy_header("|u1", "4,"), "1234"));
    write_plain(file("test.npy"), npy_bytes(npy_header("<f4", "1, 1, 2"), raw_bytes<float>({0.25F, 0.5F})));
    CHECK(load_dataset(folder.path(), Part::test, shape, {1}).floats == std::vector<float>{0.25F, 0.5F});
    CHECK(load_dataset(folder.path(), Part::test, shape, {1}).labels.empty());
    std::filesystem::remove(file("train.npy"));
    CHECK(load_dataset(folder.path(), Part::train, shape, {}).size() == 1);
}

TEST_CASE("dataset: above 256 MiB files are mapped where they are as in memory, and the images are theirs") {
    const TemporaryFolder folder;
    constexpr std::uint32_t count = 400'000, size = 28 * 28;
    const std::string numbers = std::to_string(count) + ", 28, 28", float_numbers = std::to_string(count / 4) + ", 28, 28";
    std::string aligned = npy_header("<f4", float_numbers);
    aligned.insert(aligned.size() - 1, 64 - npy_bytes(aligned, "").size() % 64, ' ');
    struct File {
        std::string name, header;
        bool holds_floats, is_mapped;
    };
    for (const File &file :
         {File{"a.npy", npy_bytes(npy_header("|u1", numbers), ""), false, true}, File{"b.npy", npy_bytes(aligned, ""), true, true},
          File{"c.npy", npy_bytes(' ' + aligned, ""), true, false},  // on no multiple of four bytes
          File{"d-idx3-ubyte", idx_bytes(0x08, {count, 28, 28}, ""), false, true}}) {
        CAPTURE(file.name);
        const std::filesystem::path path = folder.path() / file.name;
        write_plain(path, file.header);
        const std::uint32_t images = file.holds_floats ? count / 4 : count;
        const std::vector<std::uint32_t> indices{77, images - 1, 1, 0};
        std::filesystem::resize_file(path, file.header.size() + std::size_t{count} * size);
        std::fstream stream(path, std::ios::binary | std::ios::in | std::ios::out);
        for (std::size_t i = 0; i < indices.size(); i++) {
            const std::string value =
                file.holds_floats ? raw_bytes<float>({static_cast<float>(i) / 4}) : std::string(1, static_cast<char>(51 * i));
            stream.seekp(static_cast<std::streamoff>(file.header.size() + (std::size_t{indices[i]} * size + 5) * value.size()));
            stream << value;
        }
        stream.close();
        const Dataset dataset = load_dataset(path, Part::train, {28, 28, 1}, {});
        CHECK((dataset.bytes.is_mapped() || dataset.floats.is_mapped()) == file.is_mapped);
        CHECK(dataset.size() == images);
        CHECK(dataset.stride() == (file.is_mapped ? images / 4096 : 1));
        for (int times = 0; times < 2; times++) {  // gather() lets go of the memory
            const std::vector<float> values = dataset.gather(indices);
            for (std::size_t i = 0; i < indices.size(); i++)
                CHECK(values[i * size + 5] == static_cast<float>(i) / (file.holds_floats ? 4 : 5));
            CHECK(std::ranges::count(values, 0.0F) == std::ssize(values) - 3);
        }
    }
}

TEST_CASE("dataset: a compressed file is read, however large it is") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "a-idx3-ubyte.gz";
    write_gzip(path, idx_bytes(0x08, {400'000, 28, 28}, std::string(std::size_t{400'000} * 28 * 28, '\x01')));
    const Dataset dataset = load_dataset(path, Part::train, {28, 28, 1}, {});
    CHECK_FALSE(dataset.bytes.is_mapped());
    CHECK(dataset.size() == 400'000);
    CHECK(dataset.bytes[dataset.bytes.size() - 1] == 1);
}

TEST_CASE("dataset: without labels a split is a plain random one") {
    const Dataset dataset{.shape = {1, 1, 1}, .bytes = std::vector<std::uint8_t>(50), .floats = {}, .labels = {}};
    Random random(4);
    const auto [rest, validation] = split_stratified(dataset, 0.3, random);
    CHECK(validation.size() == 15);
    std::vector<std::uint32_t> joined = rest;
    joined.insert(joined.end(), validation.begin(), validation.end());
    std::ranges::sort(joined);
    CHECK(joined == all_indices(50));
    CHECK(std::ranges::is_sorted(rest));
    CHECK(validation != all_indices(15));
    CHECK(validation != split_stratified(dataset, 0.3, random).second);  // the generator has moved on
}

TEST_CASE("dataset: a stratified split takes the same part of every class, and loses nothing") {
    std::vector<int> labels(300);
    for (std::size_t i = 0; i < labels.size(); i++) labels[i] = std::array{1, 5, 6}.at(i % 3);
    const Dataset dataset{.shape = {1, 1, 1}, .bytes = std::vector<std::uint8_t>(300), .floats = {}, .labels = labels};
    Random random(4), again(4);
    const auto [rest, validation] = split_stratified(dataset, 0.2, random);
    CHECK(validation.size() == 60);
    CHECK(rest.size() == 240);
    for (const int label : {1, 5, 6}) CHECK(std::ranges::count_if(validation, [&](std::uint32_t i) { return labels[i] == label; }) == 20);
    CHECK(split_stratified(dataset, 0.2, again).second == validation);
    std::vector<std::uint32_t> joined = rest;
    joined.insert(joined.end(), validation.begin(), validation.end());
    std::ranges::sort(joined);
    CHECK(joined == all_indices(300));
}

}  // namespace
}  // namespace castnet::test

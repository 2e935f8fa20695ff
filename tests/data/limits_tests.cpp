// Checks what a hostile file may cost: ten seconds of CPU time, and memory of twice the file's size plus 16 MB.
#include <doctest/doctest.h>
#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <new>

#include "tests/data/png_file.h"
#include "tests/temporary.h"
#include "train/data/array_size.h"
#include "train/data/dataset.h"
#include "train/data/idx.h"
#include "train/data/npy.h"
#include "train/data/png.h"
#include "train/files/error.h"
#include "train/files/file.h"
#include "train/files/safetensors.h"

namespace {

std::atomic<std::size_t> live_bytes{0}, most_bytes{0};

}  // namespace

// Replaces these functions in the whole test executable.
void *operator new(std::size_t size) {
    void *memory = std::malloc(size);
    if (memory == nullptr) throw std::bad_alloc();
    live_bytes += malloc_usable_size(memory);
    most_bytes = std::max(most_bytes.load(), live_bytes.load());
    return memory;
}
void operator delete(void *memory) noexcept {
    live_bytes -= malloc_usable_size(memory);
    std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept {
    operator delete(memory);
}

namespace castnet::test {
namespace {

/// Returns the error of read(file), or "". Checks that it keeps the limits.
template <typename Read>
std::string answer(const std::filesystem::path &file, const Read &read) {
    const std::size_t size = std::filesystem::is_regular_file(file) ? std::filesystem::file_size(file) : 0, live = live_bytes;
    const std::clock_t begin = std::clock();
    most_bytes = live;
    std::string error;
    try {
        read(file);
    } catch (const Error &refusal) {
        error = refusal.what();
    }
    CHECK(std::clock() - begin < CASTNET_SECONDS_A_FILE * CLOCKS_PER_SEC);
    CHECK(most_bytes - live <= 2 * size + (16U << 20U));
    CHECK(error.size() < 1100);
    CHECK(error.find('\n') == std::string::npos);
    return error;
}

struct Folder {
    TemporaryFolder folder;

    [[nodiscard]] std::filesystem::path path(const std::string &name) const { return folder.path() / name; }
    [[nodiscard]] std::filesystem::path file(const std::string &bytes) const {
        write_plain(path("file"), bytes);
        return path("file");
    }
};

std::string filled(std::size_t count, char letter) {
    return std::string(count, letter);
}

std::string repeated(std::size_t count, const std::function<std::string(std::size_t)> &part) {
    std::string text;
    for (std::size_t i = 0; i < count; i++) text += part(i);
    return text;
}

std::string safetensors_bytes(const std::string &header, const std::string &data = "") {
    return raw_bytes<std::uint64_t>({header.size()}) + header + data;
}

TEST_CASE("limits: arrays that memory cannot address have no size") {
    CHECK(array_bytes(std::vector<std::size_t>{}, 4) == 4U);
    CHECK(array_bytes(std::vector<std::size_t>{0, 1U << 31U}, 4) == 0U);
    CHECK(array_bytes(std::vector<std::size_t>{std::size_t{1} << 61U}, 4) == std::size_t{1} << 63U);
    CHECK(!array_bytes(std::vector<std::size_t>{std::size_t{1} << 62U}, 4));
    CHECK(!array_bytes(std::vector<std::size_t>{(std::size_t{1} << 42U) + 1, 1U << 22U, 1U << 20U}, 4));
}

TEST_CASE("limits: an error quotes names from a file in one line of bounded length") {
    CHECK(std::string(Error("a\nb\tc\x7f"
                            "d")
                          .what()) == "a b c d");
    const std::string what = Error("begin " + std::string(1U << 20U, 'x') + " end").what();
    CHECK(what.size() < 1100);
    CHECK(what.starts_with("begin x"));
    CHECK(what.ends_with("x end"));
}

TEST_CASE("limits: what is no regular file is refused, and never waited for") {
    const Folder folder;
    REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
    for (const std::filesystem::path &path : {folder.path("pipe"), folder.folder.path(), std::filesystem::path("/dev/zero")}) {
        CAPTURE(path);
        CHECK(answer(path, read_file).find("is not a regular file") != std::string::npos);
        CHECK(answer(path, [](const auto &file) { IdxReader reader(file); }).find("is not a regular file") != std::string::npos);
    }
}

TEST_CASE("limits: headers of safetensors files") {
    const Folder folder;
    const auto refused = [&](const std::string &header, const std::string &reason) {
        CAPTURE(reason);
        CHECK(answer(folder.file(safetensors_bytes(header, "1234")), read_safetensors).find(reason) != std::string::npos);
    };
    const auto tensor = [](const std::string &shape, const std::string &offsets, const std::string &more = "") {
        return R"({"a":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]" + more + "}}";
    };
    const auto ones = [](std::size_t count) { return repeated(count - 1, [](std::size_t) { return "1,"; }) + "1"; };
    CHECK(answer(folder.file(safetensors_bytes(tensor(ones(32), "0,4"), "1234")), read_safetensors).empty());
    refused(tensor(ones(33), "0,4"), "more than 32 dimensions");
    refused(tensor(ones(500'000), "0,4"), "more than 32 dimensions");
    refused(tensor("1", ones(33)), "more than 32 dimensions");
    refused("{}" + std::string(1U << 20U, ' '), "announces a header of 1048578 bytes");
    refused(tensor("[1]", "0,4"), "shape is not a list of whole numbers");
    refused(tensor("1.0", "0,4"), "shape is not a list of whole numbers");
    refused(tensor("18446744073709551616", "0,4"), "shape is not a list of whole numbers");
    refused(tensor("1", "0,4", R"(,"shape":[1])"), "names something twice");
    refused(tensor("1", "0,4", R"(,"more":[1])"), "more that is not understood");
    refused(R"({"a":{"dtype":"F32","shape":[1]}})", "data_offsets is not a list");
    refused(R"({"a":{"shape":[1],"data_offsets":[0,4]}})", "is not F32");
    refused(R"({"__metadata__":{"a":"","a":""}})", "names something twice");
    refused(R"({"__metadata__":{},"__metadata__":{}})", "names something twice");
    refused("\xef\xbb\xbf{}", "not a JSON object");
    refused(std::string(1U << 20U, '['), "not a JSON object");
    refused(repeated(100'000, [](std::size_t) { return R"({"a":)"; }), "not understood");
    refused("{\"" + filled(1'000'000, 'a') + "\":1}", "is not an object");
    refused(R"({"\u0000\n":1})", "is not an object");
}

TEST_CASE("limits: a header of a megabyte") {
    const Folder folder;
    const std::string empty = R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})";
    const std::string tensors = repeated(18'000, [&](std::size_t i) { return (i == 0 ? R"({")" : R"(,")") + std::to_string(i) + empty; });
    CHECK(answer(folder.file(safetensors_bytes(tensors + "}")), read_safetensors).empty());
    const std::string texts = repeated(90'000, [](std::size_t i) { return (i == 0 ? R"(")" : R"(,")") + std::to_string(i) + R"(":"")"; });
    CHECK(answer(folder.file(safetensors_bytes(R"({"__metadata__":{)" + texts + "}}")), read_safetensors).empty());
}

TEST_CASE("limits: tensors over each other are refused before they take memory") {
    const Folder folder;
    const std::string all = R"(":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]})";
    const std::string tensors = repeated(1000, [&](std::size_t i) { return (i == 0 ? R"({")" : R"(,")") + std::to_string(i) + all; });
    const auto path = folder.file(safetensors_bytes(tensors + "}", filled(4'000'000, 'a')));
    CHECK(answer(path, read_safetensors).find("overlap or leave holes") != std::string::npos);
}

TEST_CASE("limits: .npy files") {
    const Folder folder;
    const auto read = [&](const std::string &bytes) { return answer(folder.file(bytes), read_npy); };
    const auto extents = [](std::size_t count) { return repeated(count, [](std::size_t) { return "1, "; }); };
    CHECK(read(npy_bytes(npy_header("|u1", "40000000,"), filled(40'000'000, 'a'))).empty());
    CHECK(read(npy_bytes(npy_header("<f4", extents(32)), "1234")).empty());
    CHECK(read(npy_bytes(npy_header("<f4", extents(33)), "1234")).find("more than 32 dimensions") != std::string::npos);
    CHECK(read(npy_bytes(npy_header("<f4", std::string(10000, ' ')), "1234")).find("more than 10000 bytes") != std::string::npos);
    for (const char *shape : {"1 1", "1,,1", ",1", ","}) {
        CAPTURE(shape);
        CHECK(read(npy_bytes(npy_header("<f4", shape), "1234")).find("a header that is not understood") != std::string::npos);
    }
    std::string bytes = npy_bytes(npy_header("<f4", "1,"), "1234");
    for (const char version : {'\0', '\4', '\xff'}) {
        bytes[6] = version;
        CHECK(read(bytes).find("is of version") != std::string::npos);
    }
}

TEST_CASE("limits: IDX files, and what they inflate to") {
    const Folder folder;
    const Shape shape{.height = 28, .width = 28, .channels = 1};
    const auto read = [&](const std::filesystem::path &) { return load_dataset(folder.folder.path(), Part::train, shape, {1}); };
    const auto images = folder.path("train-images-idx3-ubyte"), labels = folder.path("train-labels-idx1-ubyte");
    // The header announces too much.
    write_plain(images, idx_bytes(0x08, {0xffffffff, 28, 28}, "a"));
    CHECK(answer(images, read).find("ends before its 3367254359280 bytes") != std::string::npos);
    write_gzip(images, idx_bytes(0x08, {50'000'000, 28, 28}, "a"));
    write_gzip(labels, idx_bytes(0x08, {50'000'000}, filled(50'000'000, '\1')));
    CHECK(answer(images, read).find("ends before its 39200000000 bytes") != std::string::npos);
    write_plain(images, idx_bytes(0x08, std::vector<std::uint32_t>(33, 1), "a"));
    CHECK(answer(images, read).find("has more than 32 dimensions") != std::string::npos);
    write_plain(images, idx_bytes(0x08, {0, 28, 28}, ""));
    std::filesystem::remove(labels);
    CHECK(answer(images, read).find("has no train image") != std::string::npos);
    // The file holds 50 MB more than the header announces.
    write_gzip(images, idx_bytes(0x08, {1, 28, 28}, filled(50'000'000, 'a')));
    CHECK(answer(images, read).find("goes on after its data") != std::string::npos);
}

TEST_CASE("limits: a PNG image with a text that inflates to 50 MB") {
    const Folder folder;
    const auto read = [](const std::filesystem::path &file) {
        std::vector<std::uint8_t> pixels(6);
        read_png(file, {.height = 2, .width = 3, .channels = 1}, pixels);
    };
    const std::string bomb = std::string("a\0\0", 3) + compressed(filled(50'000'000, 'a'));
    for (const char *type : {"zTXt", "iCCP"}) {
        const std::string bytes = png_bytes({.height = 2, .width = 3}, "abcdef", png_chunk(type, bomb));
        CHECK(answer(folder.file(bytes), read).empty());
    }
}

}  // namespace
}  // namespace castnet::test

#include "train/data/idx.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/temporary.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

/// Reads all elements of a file, three at a time: a hostile header must not make the reader reserve memory.
std::vector<float> read_all(const std::filesystem::path &path) {
    IdxReader file(path);
    std::vector<float> values, part;
    while (values.size() < file.size()) {
        part.resize(std::min<std::size_t>(3, file.size() - values.size()));
        file.read(std::span<float>(part));
        values.insert(values.end(), part.begin(), part.end());
    }
    file.finish();
    return values;
}

TEST_CASE("idx: every element type, plain and gzip") {
    const TemporaryFolder folder;
    struct Example {
        char type;
        std::string data;
        std::vector<float> values;
    };
    const std::vector<Example> examples{
        {0x08, {"\x00\xff", 2}, {0, 255}},
        {0x09, {"\x01\xff", 2}, {1, -1}},
        {0x0B, {"\x01\x00\xff\xfe", 4}, {256, -2}},
        {0x0C, big_endian(70000) + big_endian(0xffffffff), {70000, -1}},
        {0x0D, big_endian(0x3fc00000) + big_endian(0xbf800000), {1.5, -1}},
        {0x0E, big_endian(0x3ff80000) + big_endian(0) + big_endian(0xbff00000) + big_endian(0), {1.5, -1}},
    };
    for (const Example &example : examples) {
        CAPTURE(int(example.type));
        const std::string bytes = idx_bytes(example.type, {2}, example.data);
        write_plain(folder.path() / "plain", bytes);
        write_gzip(folder.path() / "gzip", bytes);
        for (const char *name : {"plain", "gzip"}) {
            CHECK(IdxReader(folder.path() / name).shape() == std::vector<std::size_t>{2});
            CHECK(read_all(folder.path() / name) == example.values);
        }
    }
}

TEST_CASE("idx: damaged files are refused by name") {
    const TemporaryFolder folder;
    const std::string sound = idx_bytes(0x08, {2, 3}, "abcdef");
    const auto check_refused = [&](const std::string &bytes, const std::string &reason) {
        CAPTURE(reason);
        const auto refuse = [&](const char *name) {
            try {
                read_all(folder.path() / name);
                FAIL("was read");
            } catch (const Error &error) {
                CHECK(std::string(error.what()).find(name + (": " + reason)) != std::string::npos);
            }
        };
        write_plain(folder.path() / "plain", bytes);
        write_gzip(folder.path() / "gzip", bytes);
        refuse("plain");
        refuse("gzip");
    };
    check_refused("", "ends in its header");
    check_refused(sound.substr(0, 7), "ends in its header");
    check_refused("not an idx file at all", "does not begin as IDX does");
    check_refused(idx_bytes(0x0A, {1}, "a"), "does not begin as IDX does");
    check_refused(sound.substr(0, sound.size() - 1), "ends before its 6 bytes of data");
    check_refused(sound + "g", "goes on after its data");
    check_refused(idx_bytes(0x0E, {0xffffffff, 0xffffffff, 0xffffffff}, ""), "announces more elements than memory can hold");
    check_refused(idx_bytes(0x08, {0xffffffff, 0xffff}, "a"), "ends before its");  // 256 TiB announced, none reserved
    CHECK_THROWS_AS(read_all(folder.path() / "missing"), Error);
    CHECK_THROWS_AS(read_all(folder.path()), Error);
}

TEST_CASE("idx: a gzip file cut anywhere, or with a bit flipped in its data, is refused") {
    const TemporaryFolder folder;
    std::string data;
    for (int i = 0; i < 4000; i++) data += char(i * i % 251);
    write_gzip(folder.path() / "sound", idx_bytes(0x08, {4000}, data));
    const std::string bytes = read_plain(folder.path() / "sound");
    for (std::size_t size = 0; size < bytes.size(); size += 13) {
        write_plain(folder.path() / "cut", bytes.substr(0, size));
        CHECK_THROWS_AS(read_all(folder.path() / "cut"), Error);
    }
    write_plain(folder.path() / "cut", bytes.substr(0, bytes.size() - 1));  // cuts into the checksum at the end
    CHECK_THROWS_AS(read_all(folder.path() / "cut"), Error);
    for (std::size_t at = 12; at < bytes.size(); at += 101) {
        std::string flipped = bytes;
        flipped[at] = char(flipped[at] ^ 4);
        write_plain(folder.path() / "flipped", flipped);
        CHECK_THROWS_AS(read_all(folder.path() / "flipped"), Error);
    }
}

}  // namespace
}  // namespace castnet::test

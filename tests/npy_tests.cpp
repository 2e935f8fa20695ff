#include "runtime/npy.h"

#include <doctest/doctest.h>

#include <span>

#include "runtime/error.h"
#include "tests/temporary.h"

namespace castnet::test {
namespace {

std::string npy_bytes(const std::string &header, const std::string &data) {
    const std::string magic("\x93NUMPY\x01\x00", 8);
    return magic + char(header.size() & 0xff) + char(header.size() >> 8) + header + data;
}

std::string header(const std::string &type, const std::string &shape) {
    return "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }\n";
}

TEST_CASE("npy: what is written is read, in numpy's own layout") {
    const TemporaryFolder folder;
    const std::vector<float> values{1, 2.5, -3, 4, 5, 6};
    write_npy(folder.path() / "a.npy", {2, 3}, values);
    const NpyArray array = read_npy(folder.path() / "a.npy");
    CHECK(array.shape == std::vector<std::size_t>{2, 3});
    CHECK(array.values == values);
    const std::string bytes = read_plain(folder.path() / "a.npy");
    CHECK(bytes.size() == 128 + 24);
    CHECK(bytes.substr(10, 59) == "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
    write_npy(folder.path() / "b.npy", {1}, std::span(values).first(1));
    CHECK(read_npy(folder.path() / "b.npy").shape == std::vector<std::size_t>{1});
}

TEST_CASE("npy: bytes, scalars and empty arrays are read") {
    const TemporaryFolder folder;
    const auto read = [&](const std::string &bytes) {
        write_plain(folder.path() / "a.npy", bytes);
        return read_npy(folder.path() / "a.npy");
    };
    const NpyArray bytes = read(npy_bytes(header("|u1", "2,"), "\x01\xff"));
    CHECK(bytes.holds_bytes);
    CHECK(bytes.values == std::vector<float>{1, 255});
    CHECK(read(npy_bytes(header("|u1", ""), "\x07")).values == std::vector<float>{7});
    CHECK(read(npy_bytes(header("<f4", "0, 4"), "")).values.empty());
}

TEST_CASE("npy: what is not such a file is refused") {
    const TemporaryFolder folder;
    const auto refused = [&](const std::string &bytes) {
        write_plain(folder.path() / "a.npy", bytes);
        CHECK_THROWS_AS(read_npy(folder.path() / "a.npy"), Error);
    };
    refused("");
    refused("no numpy file, but long enough");
    refused(npy_bytes(header("<f8", "1,"), "12345678"));
    refused(npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }\n", "1234"));
    refused(npy_bytes(header("<f4", "2,"), "1234"));
    refused(npy_bytes(header("<f4", "1,"), "12345"));
    refused(npy_bytes(header("<f4", "4294967296, 4294967296, 4"), ""));
    refused(npy_bytes(header("<f4", "99999999999999999999999"), ""));
    refused(npy_bytes(header("<f4", "1, 1"), "1234").substr(0, 30));
}

}  // namespace
}  // namespace castnet::test

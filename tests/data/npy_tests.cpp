#include "train/data/npy.h"

#include <doctest/doctest.h>

#include <span>

#include "tests/temporary.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

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
    const NpyArray bytes = read(npy_bytes(npy_header("|u1", "2,"), "\x01\xff"));
    CHECK(bytes.kind == NpyKind::bytes);
    CHECK(bytes.bytes == std::vector<std::uint8_t>{1, 255});
    CHECK(read(npy_bytes(npy_header("|u1", ""), "\x07")).bytes == std::vector<std::uint8_t>{7});
    CHECK(read(npy_bytes(npy_header("<f4", "0, 4"), "")).values.empty());
    // In format 2, the header's length takes four bytes.
    const std::string header = npy_header("|u1", "1,");
    CHECK(read(std::string("\x93NUMPY\x02\x00", 8) + char(header.size()) + std::string(3, '\0') + header + "\x09").bytes ==
          std::vector<std::uint8_t>{9});
}

TEST_CASE("npy: a header is a Python dict: quotes of either kind, keys in any order, spaces and a last comma or none") {
    const TemporaryFolder folder;
    const auto shape_of = [&](const std::string &header) {
        write_plain(folder.path() / "a.npy", npy_bytes(header, "123456"));
        return read_npy(folder.path() / "a.npy").shape;
    };
    const std::vector<std::size_t> expected{2, 3};
    for (const char *header :
         {R"({"descr": "|u1", "fortran_order": False, "shape": (2, 3)})", "{'shape':(2,3),'fortran_order':False,'descr':'|u1'}",
          "{'fortran_order': False, \"shape\": (2, 3,), 'descr': \"|u1\",}\n\n  ",
          " { 'descr'\t: '|u1' ,\n'fortran_order' :False , 'shape' : ( 2 , 3 ) , } ",
          "{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L), }"}) {
        CAPTURE(header);
        CHECK(shape_of(header) == expected);
    }
    for (const char *header :
         {"", "{}", "{'descr': '|u1', 'fortran_order': False}", "{'descr': '|u1', 'shape': (2, 3)}",
          "{'fortran_order': False, 'shape': (2, 3)}", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
          "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)} x", "{'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)",
          "{'descr': '|u1', 'fortran_order': False 'shape': (2, 3)}", "{'descr': '|u1\", 'fortran_order': False, 'shape': (2, 3)}",
          "{'descr': '|u1', 'fortran_order': 0, 'shape': (2, 3)}", "{'descr': '|u1', 'fortran_order': False, 'shape': (2 3)}",
          "{'descr': '|u1', 'fortran_order': False, 'shape': (2,, 3)}", "{'descr': '|u1', 'fortran_order': False, 'shape': (-2, 3)}",
          "{'descr': '|u1', 'fortran_order': False, 'shape': [2, 3]}", "{,'descr': '|u1', 'fortran_order': False, 'shape': (2, 3)}",
          "{'descr': '|u1', 'fortran_order': Falsehood, 'shape': (2, 3)}", "{'descr",
          "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2, 3)}"}) {
        CAPTURE(header);
        CHECK_THROWS_AS(shape_of(header), Error);
    }
}

TEST_CASE("npy: other numbers are read as the nearest floats") {
    const TemporaryFolder folder;
    const auto read = [&](const std::string &type, const std::string &data) {
        write_plain(folder.path() / "a.npy", npy_bytes(npy_header(type, "2,"), data));
        const NpyArray array = read_npy(folder.path() / "a.npy");
        CHECK(array.bytes.empty());
        CHECK(array.kind == (type[1] == 'i' ? NpyKind::integers : NpyKind::floats));
        return array.values;
    };
    CHECK(read("<i4", raw_bytes<std::int32_t>({-5, 7})) == std::vector<float>{-5, 7});
    CHECK(read("<i8", raw_bytes<std::int64_t>({-1, std::int64_t{1} << 40})) == std::vector<float>{-1, 1099511627776.0F});
    CHECK(read("<f8", raw_bytes<double>({0.1, -2})) == std::vector<float>{0.1F, -2});
}

TEST_CASE("npy: what is not such a file is refused") {
    const TemporaryFolder folder;
    const auto refused = [&](const std::string &bytes) {
        write_plain(folder.path() / "a.npy", bytes);
        CHECK_THROWS_AS(read_npy(folder.path() / "a.npy"), Error);
    };
    refused("");
    refused("no numpy file, but long enough");
    for (const char *type : {"<f2", ">f4", "<i2", "<u4", "|b1", "<c8", "<U2", ""}) refused(npy_bytes(npy_header(type, "1,"), "12345678"));
    refused(npy_bytes(npy_header("<f8", "1,"), "1234"));
    refused(npy_bytes(npy_header(std::string(60000, 'x'), "1,"), "1234"));
    refused(npy_bytes(npy_header("<f4", std::string(60000, ' ') + "1,"), "1234"));
    refused(npy_bytes("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }\n", "1234"));
    refused(npy_bytes(npy_header("<f4", "2,"), "1234"));
    refused(npy_bytes(npy_header("<f4", "1,"), "12345"));
    refused(npy_bytes(npy_header("<f4", "4294967296, 4294967296, 4"), ""));
    refused(npy_bytes(npy_header("<f4", "99999999999999999999999"), ""));
    refused(npy_bytes(npy_header("<f4", "1, 1"), "1234").substr(0, 30));
}

}  // namespace
}  // namespace castnet::test

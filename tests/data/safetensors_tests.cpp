#include "train/files/safetensors.h"

#include <doctest/doctest.h>

#include "tests/temporary.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

std::string file_bytes(const std::string &header, const std::string &data) {
    std::string bytes;
    for (int i = 0; i < 8; i++) bytes += char(std::uint64_t(header.size()) >> (8 * i) & 0xffU);
    return bytes + header + data;
}

TEST_CASE("safetensors: what is written is read") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.safetensors";
    TensorFile file;
    file.metadata = {{"network", "n"}, {"layers", "a \"b\"\nc"}};
    file.tensors = {{"z/kernel", {2, 1, 3}, {1, 2, 3, 4, 5, 6}}, {"loss", {}, {0.5}}, {"none", {0}, {}}};
    write_safetensors(path, file);
    const TensorFile read = read_safetensors(path);
    CHECK(read.metadata == file.metadata);
    REQUIRE(read.tensors.size() == 3);
    for (const Tensor &tensor : file.tensors) {
        const Tensor *found = read.find(tensor.name);
        REQUIRE(found != nullptr);
        CHECK(found->shape == tensor.shape);
        CHECK(found->values == tensor.values);
    }
    CHECK(folder.entries() == 1);  // no temporary file is left
}

TEST_CASE("safetensors: the data begins on a multiple of eight bytes, however long the header") {
    const TemporaryFolder folder;
    for (std::size_t length = 1; length <= 8; length++) {
        TensorFile file;
        file.tensors = {{std::string(length, 'a'), {1}, {1}}};
        write_safetensors(folder.path() / "a", file);
        const std::string bytes = read_plain(folder.path() / "a");
        CHECK((bytes.size() - sizeof(float)) % 8 == 0);
    }
}

TEST_CASE("safetensors: what the format's own reader refuses is refused, with the reason") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.safetensors";
    const auto check_refused = [&](const std::string &bytes, const std::string &reason) {
        CAPTURE(reason);
        write_plain(path, bytes);
        try {
            read_safetensors(path);
            FAIL("was read");
        } catch (const Error &error) {
            CHECK(std::string(error.what()).find(reason) != std::string::npos);
        }
    };
    const auto tensor = [](const std::string &type, const std::string &shape, const std::string &offsets) {
        return R"({"a":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
    };
    check_refused("1234567", "is shorter than a header");
    check_refused("\xff\xff\xff\xff\xff\xff\xff\xff", "announces a header of");
    check_refused(file_bytes("{}", "").substr(0, 9), "ends in its header");
    check_refused(file_bytes("{", ""), "not a JSON object");
    check_refused(file_bytes("[]", ""), "not a JSON object");
    check_refused(file_bytes(std::string(100000, '['), ""), "not a JSON object");
    check_refused(file_bytes("{\"a\xff\":1}", ""), "not a JSON object");
    check_refused(file_bytes(R"({"a":1})", ""), "not an object");
    check_refused(file_bytes(R"({"__metadata__":{"a":1}})", ""), "metadata that is not text");
    check_refused(file_bytes(tensor("F16", "[2]", "[0,4]"), "1234"), "is not F32");
    check_refused(file_bytes(tensor("F32", "[-1]", "[0,4]"), "1234"), "shape is not a list of whole numbers");
    check_refused(file_bytes(tensor("F32", "\"1\"", "[0,4]"), "1234"), "shape is not a list of whole numbers");
    for (const std::string value : {"1.5", "true", "null", "{}", "[1]"})
        check_refused(file_bytes(tensor("F32", "[" + value + "]", "[0,4]"), "1234"), "shape is not a list of whole numbers");
    check_refused(file_bytes(tensor("F32", "[1]", "[0]"), "1234"), "where its shape does not fit");
    check_refused(file_bytes(tensor("F32", "[2]", "[0,4]"), "1234"), "where its shape does not fit");
    check_refused(file_bytes(tensor("F32", "[1]", "[4,0]"), "1234"), "where its shape does not fit");
    check_refused(file_bytes(tensor("F32", "[1]", "[0,4]"), "123"), "where its shape does not fit");
    check_refused(file_bytes(tensor("F32", "[4398046511105,4194304,1048576]", "[0,4]"), "1234"), "larger than memory");
    check_refused(file_bytes(tensor("F32", "[1]", "[4,8]"), "12345678"), "holes");
    check_refused(file_bytes(tensor("F32", "[1]", "[0,4]"), "12345678"), "goes on after its last tensor");
    const std::string two =
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    check_refused(file_bytes(two, "1234"), "overlap or leave holes");
    const std::string twice =
        R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})";
    check_refused(file_bytes(twice, "12345678"), "names something twice");
}

TEST_CASE("safetensors: around the header's object there may be white space, as JSON has it, and nothing else") {
    const TemporaryFolder folder;
    const auto is_read = [&](const std::string &header) {
        write_plain(folder.path() / "a", file_bytes(header, "1234"));
        try {
            return read_safetensors(folder.path() / "a").tensors.size() == 1;
        } catch (const Error &error) {
            CHECK(std::string(error.what()).find("has a header that is not a JSON object") != std::string::npos);
            return false;
        }
    };
    // Expects what Python's safetensors 0.8 answers.
    const std::string object = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
    for (const std::string space : {" ", "        ", "\t", "\n", "\r", " \r\n\t"}) {
        CHECK(is_read(space + object));
        CHECK(is_read(object + space));
    }
    for (const std::string &other :
         {std::string("\0", 1), std::string("\0}", 2), std::string("\0    ", 5), std::string(" \0 ", 3), std::string("\xef\xbb\xbf"),
          std::string("\f"), std::string("\v"), std::string("x"), std::string("{}")}) {
        CHECK_FALSE(is_read(other + object));
        CHECK_FALSE(is_read(object + other));
    }
    CHECK_FALSE(is_read(std::string(R"({"a)") + '\0' + object.substr(3)));
    CHECK_FALSE(is_read(""));
    CHECK_FALSE(is_read("    "));
}

TEST_CASE("safetensors: of a file that was written, everything but itself is refused: cut anywhere, or any bit flipped, or longer") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.safetensors";
    const auto is_refused = [&](const std::string &bytes) {
        write_plain(path, bytes);
        try {
            read_safetensors(path);
        } catch (const Error &) {
            return true;
        }
        return false;
    };
    for (const TensorFile &file :
         {TensorFile{.metadata = {{"network", "n"}, {"layers", "a \"b\"\nc"}}, .tensors = {{"a", {2}, {1, 2}}, {"b", {}, {3}}}},
          TensorFile{.metadata = {}, .tensors = {{"a", {1}, {1}}}}, TensorFile{}}) {
        write_safetensors(path, file);
        const std::string bytes = read_plain(path);
        CHECK(!is_refused(bytes));
        for (std::size_t size = 0; size < bytes.size(); size++) CHECK(is_refused(bytes.substr(0, size)));
        for (std::size_t bit = 0; bit < 8 * bytes.size(); bit++) {
            CAPTURE(bit);
            std::string flipped = bytes;
            flipped[bit / 8] = static_cast<char>(static_cast<unsigned char>(flipped[bit / 8]) ^ 1U << bit % 8);
            CHECK(is_refused(flipped));
        }
        CHECK(is_refused(bytes + '\0'));
    }
}

TEST_CASE("safetensors: the checksum is zlib's of all other bytes, and other programs may leave it out") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a.safetensors";
    TensorFile file{.metadata = {{"crc32", "not Castnet's"}, {"a", "b"}}, .tensors = {{"a", {1}, {1}}}};
    write_safetensors(path, file);
    const std::string bytes = read_plain(path);
    const std::size_t begin = bytes.find(R"("crc32":")") + 9;
    const std::string others = bytes.substr(0, begin) + bytes.substr(begin + 8);
    CHECK(std::stoul(bytes.substr(begin, 8), nullptr, 16) == crc32(0, reinterpret_cast<const Bytef *>(others.data()), uInt(others.size())));
    CHECK(read_safetensors(path).metadata == std::map<std::string, std::string>{{"a", "b"}});

    write_plain(path, file_bytes(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "1234"));
    CHECK(read_safetensors(path).tensors.size() == 1);
    write_plain(path, file_bytes(R"({"__metadata__":{"format":"pt"}})", ""));
    CHECK(read_safetensors(path).metadata.at("format") == "pt");
}

}  // namespace
}  // namespace castnet::test

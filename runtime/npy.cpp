#include "runtime/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cstring>
#include <regex>
#include <string>

#include "runtime/error.h"
#include "runtime/file.h"

namespace castnet {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

}  // namespace

NpyArray read_npy(const std::filesystem::path &path) {
    const std::vector<std::byte> bytes = read_file(path);
    const auto fail = [&](const std::string &what) {
        return Error(fmt::format("{}: {}; give a .npy file of float32 or uint8 in C order", path.string(), what));
    };
    const std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    if (!text.starts_with(magic) || text.size() < 12) throw fail("does not begin as .npy does");
    const std::size_t length_bytes = text[6] == 1 ? 2 : 4;
    std::size_t header_size = 0;
    for (std::size_t i = 0; i < length_bytes; i++) header_size |= std::to_integer<std::size_t>(bytes[8 + i]) << (8 * i);
    const std::size_t begin = 8 + length_bytes;
    if (header_size > text.size() - begin) throw fail("ends in its header");
    if (header_size > 65536) throw fail("has a header of more than 65536 bytes");

    // numpy writes the keys in this order.
    static const std::regex pattern(R"(\{'descr': '([<|][fu][14])', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\}\s*)");
    const std::string header(text.substr(begin, header_size));
    std::smatch match;
    if (!std::regex_match(header, match, pattern)) throw fail("has a header that is not understood");
    const std::string type = match[1];
    if (type != "<f4" && type != "|u1") throw fail(fmt::format("holds elements of type {}", type));
    if (match[2] == "True") throw fail("is in Fortran order");

    NpyArray array;
    const std::string shape = match[3];
    std::size_t size = 1;
    for (const char *at = shape.data(), *end = at + shape.size(); at != end;) {
        std::size_t extent = 0;
        const auto [next, error] = std::from_chars(at, end, extent);
        if (error == std::errc()) {
            array.shape.push_back(extent);
            if (__builtin_mul_overflow(size, extent, &size)) throw fail("announces more elements than memory can hold");
            at = next;
        } else if (*at == ',' || *at == ' ') {
            at++;
        } else {
            throw fail("has a shape that is not understood");
        }
    }
    const std::size_t element = type == "<f4" ? 4 : 1;
    const std::size_t data_size = text.size() - begin - header_size;
    if (size > data_size / element || size * element != data_size)
        throw fail(fmt::format("holds {} bytes of data where its shape needs {} elements of {}", data_size, size, element));
    array.holds_bytes = type == "|u1";
    array.values.resize(size);
    const std::byte *data = bytes.data() + begin + header_size;
    if (!array.holds_bytes) {
        if (size > 0) std::memcpy(array.values.data(), data, size * 4);
    } else {
        for (std::size_t i = 0; i < size; i++) array.values[i] = static_cast<float>(std::to_integer<std::uint8_t>(data[i]));
    }
    return array;
}

void write_npy(const std::filesystem::path &path, const std::vector<std::size_t> &shape, std::span<const float> values) {
    std::string header =
        fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}{}), }}", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
    // The data begins on a multiple of 64 bytes, as the format asks.
    while ((magic.size() + 4 + header.size() + 1) % 64 != 0) header += ' ';
    header += '\n';
    std::string text(magic);
    text += {'\x01', '\x00', static_cast<char>(header.size() & 0xffU), static_cast<char>(header.size() >> 8U)};
    text += header;
    text.append(reinterpret_cast<const char *>(values.data()), values.size_bytes());
    write_file(path, text);
}

}  // namespace castnet

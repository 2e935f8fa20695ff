#include "runtime/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <regex>
#include <string>

#include "runtime/error.h"
#include "runtime/file.h"

namespace castnet {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

/// The first element at `data`, as the nearest float.
template <typename Element>
float element(const std::byte *data) {
    Element value{};
    std::memcpy(&value, data, sizeof(value));
    return static_cast<float>(value);
}

struct ElementType {
    std::string_view name;
    std::size_t size;
    NpyKind kind;
    float (*value)(const std::byte *);
};

constexpr std::array<ElementType, 5> element_types{{{"<f4", 4, NpyKind::floats, element<float>},
                                                    {"<f8", 8, NpyKind::floats, element<double>},
                                                    {"|u1", 1, NpyKind::bytes, element<std::uint8_t>},
                                                    {"<i4", 4, NpyKind::integers, element<std::int32_t>},
                                                    {"<i8", 8, NpyKind::integers, element<std::int64_t>}}};

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
    // std::regex takes stack for every character.
    if (header_size > 4096) throw fail("has a header of more than 4096 bytes");

    // numpy writes the keys in this order.
    static const std::regex pattern(R"(\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\}\s*)");
    const std::string header(text.substr(begin, header_size));
    std::smatch match;
    if (!std::regex_match(header, match, pattern)) throw fail("has a header that is not understood");
    const auto *const type = std::ranges::find(element_types, match[1].str(), &ElementType::name);
    if (type == element_types.end()) throw fail(fmt::format("holds elements of type {}", match[1].str()));
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
    const std::span<const std::byte> data = std::span(bytes).subspan(begin + header_size);
    if (size > data.size() / type->size || size * type->size != data.size())
        throw fail(fmt::format("holds {} bytes of data where its shape needs {} elements of {}", data.size(), size, type->size));
    array.kind = type->kind;
    if (type->kind == NpyKind::bytes) {
        std::ranges::transform(data, std::back_inserter(array.bytes), std::to_integer<std::uint8_t>);
    } else {
        array.values.resize(size);
        for (std::size_t i = 0; i < size; i++) array.values[i] = type->value(data.data() + i * type->size);
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

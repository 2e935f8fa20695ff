#include "runtime/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <regex>
#include <string>
#include <utility>

#include "runtime/array_size.h"
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

constexpr std::size_t largest_header = 1024;  // 32 extents of 20 digits fit; std::regex takes stack for every character

struct Header {
    ElementType type;
    std::vector<std::size_t> shape;
    std::size_t size;  // bytes of all that precedes the data
};

Error failure(const std::filesystem::path &path, const std::string &what) {
    return Error(fmt::format("{}: {}; give a .npy file of float32 or uint8 in C order", path.string(), what));
}

/// The extents of a tuple as Python writes it: "", "3," or "3, 4".
std::vector<std::size_t> parse_shape(const std::filesystem::path &path, std::string_view text) {
    std::vector<std::size_t> shape;
    bool needs_comma = false;
    for (const char *at = text.data(), *end = at + text.size(); at != end;) {
        if (*at == ' ' || (*at == ',' && needs_comma)) {
            needs_comma = needs_comma && *at == ' ';
            at++;
            continue;
        }
        std::size_t extent = 0;
        const auto [next, error] = std::from_chars(at, end, extent);
        if (error != std::errc() || needs_comma) throw failure(path, "has a shape that is not understood");
        if (shape.size() == most_dimensions) throw failure(path, fmt::format("has more than {} dimensions", most_dimensions));
        shape.push_back(extent);
        needs_comma = true;
        at = next;
    }
    return shape;
}

Header parse_header(const std::filesystem::path &path, std::string_view file) {
    if (!file.starts_with(magic) || file.size() < 12) throw failure(path, "does not begin as .npy does");
    const char version = file[6];
    if (version < 1 || version > 3) throw failure(path, fmt::format("is of version {}, which is not known", static_cast<int>(version)));
    const std::size_t length_bytes = version == 1 ? 2 : 4, begin = 8 + length_bytes;
    std::size_t size = 0;
    for (std::size_t i = 0; i < length_bytes; i++) size |= std::size_t{static_cast<unsigned char>(file[8 + i])} << (8 * i);
    if (size > file.size() - begin) throw failure(path, "ends in its header");
    if (size > largest_header) throw failure(path, fmt::format("has a header of more than {} bytes", largest_header));

    // numpy writes the keys in this order.
    static const std::regex pattern(R"(\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\),? *\}\s*)");
    const std::string header(file.substr(begin, size));
    std::smatch match;
    if (!std::regex_match(header, match, pattern)) throw failure(path, "has a header that is not understood");
    const auto *const type = std::ranges::find(element_types, match[1].str(), &ElementType::name);
    if (type == element_types.end()) throw failure(path, fmt::format("holds elements of type {}", match[1].str()));
    if (match[2] == "True") throw failure(path, "is in Fortran order");
    return {.type = *type, .shape = parse_shape(path, match[3].str()), .size = begin + size};
}

}  // namespace

NpyArray read_npy(const std::filesystem::path &path) {
    const std::vector<std::byte> bytes = read_file(path);
    Header header = parse_header(path, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
    const std::span<const std::byte> data = std::span(bytes).subspan(header.size);
    const ElementType &type = header.type;
    const std::optional<std::size_t> size = array_bytes(header.shape, type.size);
    if (!size) throw failure(path, "announces more elements than memory can hold");
    if (*size != data.size()) throw failure(path, fmt::format("holds {} bytes of data where its shape needs {}", data.size(), *size));

    NpyArray array{.shape = std::move(header.shape), .kind = type.kind, .bytes = {}, .values = {}};
    if (type.kind == NpyKind::bytes) {
        array.bytes.resize(*size);
        std::ranges::transform(data, array.bytes.begin(), std::to_integer<std::uint8_t>);
    } else {
        array.values.resize(*size / type.size);
        for (std::size_t i = 0; i < array.values.size(); i++) array.values[i] = type.value(data.data() + i * type.size);
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

#include "train/data/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "train/data/array_size.h"
#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

constexpr std::string_view magic = "\x93NUMPY";

/// Returns the element at `data` as the nearest float.
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

constexpr std::size_t largest_header = 10'000;  // NumPy's own limit

struct Header {
    ElementType type;
    std::vector<std::size_t> shape;
    std::size_t size;  // bytes before the data
};

Error failure(const std::filesystem::path &path, const std::string &what) {
    return Error(fmt::format("{}: {}; give a .npy file of float32 or uint8 in C order", path.string(), what));
}

/// Reads a header's text, a dict as Python writes it:
///
///     {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }
///
/// The keys may come in any order, in quotes of either kind; numbers may end in the L that Python 2 wrote.
class HeaderReader {
public:
    HeaderReader(const std::filesystem::path &path, std::string_view text) : path_(path), rest_(text) {}

    void read() {
        read_list('{', '}', [this] {
            const std::string_view key = read_text();
            expect(':');
            if (key == "descr") {
                type = read_text();
            } else if (key == "fortran_order") {
                fortran_order = read_truth();
            } else if (key == "shape") {
                read_shape();
            } else {
                not_understood();
            }
        });
        skip_space();
        if (!rest_.empty() || !type || !fortran_order || !shape) not_understood();
    }

    std::optional<std::string_view> type;
    std::optional<bool> fortran_order;
    std::optional<std::vector<std::size_t>> shape;

private:
    [[noreturn]] void not_understood() const { throw failure(path_, "has a header that is not understood"); }

    void skip_space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n\f"), rest_.size())); }
    bool accept(std::string_view word) {
        skip_space();
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }
    void expect(char character) {
        if (!accept({&character, 1})) not_understood();
    }

    /// Reads items separated by commas; one after the last is optional.
    template <typename ReadItem>
    void read_list(char open, char close, const ReadItem &read_item) {
        expect(open);
        while (!accept({&close, 1})) {
            read_item();
            if (!accept(",")) return expect(close);
        }
    }
    std::string_view read_text() {
        const char quote = accept("'") ? '\'' : '"';
        if (quote == '"') expect(quote);
        const std::string_view text = rest_.substr(0, rest_.find(quote));
        rest_.remove_prefix(text.size());
        expect(quote);
        return text;
    }
    bool read_truth() {
        const bool truth = accept("True");
        if (!truth && !accept("False")) not_understood();
        return truth;
    }
    void read_shape() {
        shape.emplace();
        read_list('(', ')', [this] {
            skip_space();
            std::size_t extent = 0;
            const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), extent);
            if (error != std::errc()) not_understood();
            if (shape->size() == most_dimensions) throw failure(path_, fmt::format("has more than {} dimensions", most_dimensions));
            shape->push_back(extent);
            rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
            accept("L");
        });
    }

    const std::filesystem::path &path_;
    std::string_view rest_;
};

Header parse_header(const std::filesystem::path &path, std::string_view file) {
    if (!file.starts_with(magic) || file.size() < 12) throw failure(path, "does not begin as .npy does");
    const char version = file[6];
    if (version < 1 || version > 3) throw failure(path, fmt::format("is of version {}, which is not known", static_cast<int>(version)));
    const std::size_t length_bytes = version == 1 ? 2 : 4, begin = 8 + length_bytes;
    std::size_t size = 0;
    for (std::size_t i = 0; i < length_bytes; i++) size |= std::size_t{static_cast<unsigned char>(file[8 + i])} << (8 * i);
    if (size > file.size() - begin) throw failure(path, "ends in its header");
    if (size > largest_header) throw failure(path, fmt::format("has a header of more than {} bytes", largest_header));

    HeaderReader header(path, file.substr(begin, size));
    header.read();
    const auto *const type = std::ranges::find(element_types, *header.type, &ElementType::name);
    if (type == element_types.end()) throw failure(path, fmt::format("holds elements of type {}", *header.type));
    if (*header.fortran_order) throw failure(path, "is in Fortran order");
    return {.type = *type, .shape = std::move(*header.shape), .size = begin + size};
}

template <typename Value>
Values<Value> view(const std::shared_ptr<const MappedFile> &file, std::span<const std::byte> data) {
    return {file, {reinterpret_cast<const Value *>(data.data()), data.size() / sizeof(Value)}};
}

template <typename Value>
Values<Value> converted(std::span<const std::byte> data, const ElementType &type) {
    std::vector<Value> values(data.size() / type.size);
    for (std::size_t i = 0; i < values.size(); i++) values[i] = static_cast<Value>(type.value(data.data() + i * type.size));
    return values;
}

}  // namespace

NpyArray read_npy(const std::filesystem::path &path) {
    std::shared_ptr<const MappedFile> file;
    std::vector<std::byte> read;
    if (is_larger(path, most_read)) {
        file = std::make_shared<const MappedFile>(path);
    } else {
        read = read_file(path);
    }
    const std::span<const std::byte> bytes = file ? file->bytes() : std::span<const std::byte>(read);
    Header header = parse_header(path, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
    const std::span<const std::byte> data = bytes.subspan(header.size);
    const ElementType &type = header.type;
    const std::optional<std::size_t> size = array_bytes(header.shape, type.size);
    if (!size) throw failure(path, "announces more elements than memory can hold");
    if (*size != data.size()) throw failure(path, fmt::format("holds {} bytes of data where its shape needs {}", data.size(), *size));

    NpyArray array{.shape = std::move(header.shape), .kind = type.kind, .bytes = {}, .values = {}};
    if (type.kind == NpyKind::bytes) {
        array.bytes = file ? view<std::uint8_t>(file, data) : converted<std::uint8_t>(data, type);
    } else {
        const bool is_as_in_memory = type.name == "<f4" && reinterpret_cast<std::uintptr_t>(data.data()) % alignof(float) == 0;
        array.values = file && is_as_in_memory ? view<float>(file, data) : converted<float>(data, type);
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

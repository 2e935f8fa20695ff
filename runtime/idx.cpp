#include "runtime/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <bit>
#include <cstring>
#include <memory>

#include "runtime/error.h"

namespace castnet {
namespace {

struct CloseGzip {
    void operator()(gzFile file) const { gzclose(file); }
};
using GzipFile = std::unique_ptr<gzFile_s, CloseGzip>;

/// 0 where the format has no such type.
std::size_t element_size(std::uint8_t type) {
    switch (type) {
    case 0x08:  // unsigned byte
    case 0x09:  // signed byte
        return 1;
    case 0x0B:  // short
        return 2;
    case 0x0C:  // int
    case 0x0D:  // float
        return 4;
    case 0x0E:  // double
        return 8;
    default:
        return 0;
    }
}

template <typename Unsigned>
Unsigned big_endian(const std::byte *bytes) {
    Unsigned value = 0;
    for (std::size_t i = 0; i < sizeof(Unsigned); i++) value = static_cast<Unsigned>(value << 8U | std::to_integer<unsigned>(bytes[i]));
    return value;
}

/// Reads exactly `out`; false where the file ends before or is damaged.
bool read_exactly(gzFile file, std::span<std::byte> out) {
    while (!out.empty()) {
        const auto part = static_cast<unsigned>(std::min<std::size_t>(out.size(), 1U << 30U));
        const int got = gzread(file, out.data(), part);
        if (got <= 0) return false;
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

}  // namespace

IdxArray IdxArray::read(const std::filesystem::path &path) {
    const GzipFile file(gzopen(path.c_str(), "rb"));
    const auto fail = [&](const std::string &what) {
        return Error(fmt::format("{}: {}; replace it by a sound IDX file", path.string(), what));
    };
    if (!file) throw Error(fmt::format("{}: cannot be opened ({}); check the path", path.string(), std::strerror(errno)));

    std::array<std::byte, 4> magic{};
    if (!read_exactly(file.get(), magic)) throw fail("ends in its header");
    IdxArray array;
    array.type_ = std::to_integer<std::uint8_t>(magic[2]);
    array.element_size_ = element_size(array.type_);
    if (magic[0] != std::byte{0} || magic[1] != std::byte{0} || array.element_size_ == 0) throw fail("does not begin as IDX does");

    std::size_t bytes = array.element_size_;
    for (auto dimensions = std::to_integer<unsigned>(magic[3]); dimensions > 0; dimensions--) {
        std::array<std::byte, 4> extent{};
        if (!read_exactly(file.get(), extent)) throw fail("ends in its header");
        array.shape_.push_back(big_endian<std::uint32_t>(extent.data()));
        if (__builtin_mul_overflow(bytes, array.shape_.back(), &bytes)) throw fail("announces more elements than memory can hold");
    }

    // The memory grows with what the file really holds, not with what its header announces.
    for (std::size_t have = 0; have < bytes;) {
        const std::size_t part = std::min<std::size_t>(bytes - have, 1U << 24U);
        array.data_.resize(have + part);
        if (!read_exactly(file.get(), std::span(array.data_).subspan(have, part)))
            throw fail(fmt::format("ends before its {} bytes of data", bytes));
        have += part;
    }
    std::byte beyond{};
    if (gzread(file.get(), &beyond, 1) > 0) throw fail("goes on after its data");
    int status = Z_OK;
    gzerror(file.get(), &status);
    if (status != Z_OK && status != Z_STREAM_END) throw fail("is damaged");
    return array;
}

void IdxArray::copy(std::size_t first, std::span<float> out) const {
    const std::byte *bytes = data_.data() + first * element_size_;
    for (float &value : out) {
        switch (type_) {
        case 0x08:
            value = static_cast<float>(std::to_integer<std::uint8_t>(*bytes));
            break;
        case 0x09:
            value = static_cast<float>(std::bit_cast<std::int8_t>(*bytes));
            break;
        case 0x0B:
            value = static_cast<float>(std::bit_cast<std::int16_t>(big_endian<std::uint16_t>(bytes)));
            break;
        case 0x0C:
            value = static_cast<float>(std::bit_cast<std::int32_t>(big_endian<std::uint32_t>(bytes)));
            break;
        case 0x0D:
            value = std::bit_cast<float>(big_endian<std::uint32_t>(bytes));
            break;
        default:
            value = static_cast<float>(std::bit_cast<double>(big_endian<std::uint64_t>(bytes)));
        }
        bytes += element_size_;
    }
}

}  // namespace castnet

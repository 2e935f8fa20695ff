#include "train/data/idx.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>

#include "train/data/array_size.h"
#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

/// Returns the bytes of an element; 0 if the format has no such type.
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

float element(std::uint8_t type, const std::byte *bytes) {
    switch (type) {
    case 0x08:
        return static_cast<float>(std::to_integer<std::uint8_t>(*bytes));
    case 0x09:
        return static_cast<float>(std::bit_cast<std::int8_t>(*bytes));
    case 0x0B:
        return static_cast<float>(std::bit_cast<std::int16_t>(big_endian<std::uint16_t>(bytes)));
    case 0x0C:
        return static_cast<float>(std::bit_cast<std::int32_t>(big_endian<std::uint32_t>(bytes)));
    case 0x0D:
        return std::bit_cast<float>(big_endian<std::uint32_t>(bytes));
    default:
        return static_cast<float>(std::bit_cast<double>(big_endian<std::uint64_t>(bytes)));
    }
}

/// Opens the file through zlib, which reads plain ones as they are.
gzFile_s *open(const std::filesystem::path &path) {
    Descriptor descriptor = open_to_read(path);
    gzFile_s *file = gzdopen(descriptor.get(), "rb");
    if (file != nullptr) descriptor.release();
    return file;
}

}  // namespace

void IdxReader::Close::operator()(gzFile_s *file) const {
    gzclose(file);
}

std::string IdxReader::failure(const std::string &what) const {
    return fmt::format("{}: {}; replace it by a sound IDX file", path_.string(), what);
}

IdxReader::IdxReader(const std::filesystem::path &path) : path_(path), file_(open(path)) {
    if (!file_) throw Error(failure("cannot be read for want of memory"));
    gzbuffer(file_.get(), 1U << 17U);
    std::array<std::byte, 4> word{};
    const auto read_word = [&] {
        if (!read_exactly(word)) throw Error(failure("ends in its header"));
    };
    read_word();
    type_ = std::to_integer<std::uint8_t>(word[2]);
    element_size_ = element_size(type_);
    if (word[0] != std::byte{0} || word[1] != std::byte{0} || element_size_ == 0) throw Error(failure("does not begin as IDX does"));
    const auto dimensions = std::to_integer<std::size_t>(word[3]);
    if (dimensions > most_dimensions) throw Error(failure(fmt::format("has more than {} dimensions", most_dimensions)));
    while (shape_.size() < dimensions) {
        read_word();
        shape_.push_back(big_endian<std::uint32_t>(word.data()));
    }
    const std::optional<std::size_t> bytes = array_bytes(shape_, element_size_);
    if (!bytes) throw Error(failure("announces more elements than memory can hold"));
    size_ = *bytes / element_size_;
    // Callers allocate what the header announces, so it must fit the size of the file.
    constexpr std::uintmax_t most_inflated = 1032;  // deflate's own limit, in bytes per byte
    std::error_code ignored;
    const std::uintmax_t file_size = std::filesystem::file_size(path, ignored);
    if (*bytes / (gzdirect(file_.get()) != 0 ? 1 : most_inflated) > file_size) throw Error(too_short());
}

std::string IdxReader::too_short() const {
    return failure(fmt::format("ends before its {} bytes of data", size_ * element_size_));
}

/// Throws Error or std::bad_alloc if the system failed, not the file.
void IdxReader::check_system() {
    int status = Z_OK;
    gzerror(file_.get(), &status);
    if (status == Z_ERRNO) throw Error(fmt::format("{}: cannot be read ({}); check the disk", path_.string(), std::strerror(errno)));
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
}

bool IdxReader::read_exactly(std::span<std::byte> out) {
    while (!out.empty()) {
        const auto part = static_cast<unsigned>(std::min<std::size_t>(out.size(), 1U << 30U));
        const int got = gzread(file_.get(), out.data(), part);
        if (got < 0) check_system();
        if (got <= 0) return false;
        out = out.subspan(static_cast<std::size_t>(got));
    }
    return true;
}

void IdxReader::read_data(std::span<std::byte> out) {
    if (!read_exactly(out)) throw Error(too_short());
}

void IdxReader::read(std::span<std::uint8_t> out) {
    read_data(std::as_writable_bytes(out));
}

void IdxReader::read(std::span<float> out) {
    buffer_.resize(out.size() * element_size_);
    read_data(buffer_);
    for (std::size_t i = 0; i < out.size(); i++) out[i] = element(type_, buffer_.data() + i * element_size_);
}

Values<std::uint8_t> IdxReader::map() const {
    if (!holds_bytes() || gzdirect(file_.get()) == 0 || size_ <= most_read) return {};
    const auto file = std::make_shared<const MappedFile>(path_);
    const std::span<const std::byte> data = file->bytes().subspan(4 + 4 * shape_.size());
    if (data.size() < size_) throw Error(too_short());
    if (data.size() > size_) throw Error(failure("goes on after its data"));
    return {file, {reinterpret_cast<const std::uint8_t *>(data.data()), size_}};
}

void IdxReader::finish() {
    std::byte beyond{};
    if (gzread(file_.get(), &beyond, 1) > 0) throw Error(failure("goes on after its data"));
    int status = Z_OK;
    gzerror(file_.get(), &status);
    if (status != Z_OK && status != Z_STREAM_END) throw Error(failure("is damaged"));
}

}  // namespace castnet

#include "train/data/data_identity.h"

#include <fmt/format.h>
#include <zlib.h>

#include <span>
#include <system_error>

namespace castnet {
namespace {

/// Extends the checksum by the values.
template <typename Value>
std::uint32_t crc32_of(std::uint32_t sum, std::span<const Value> values) {
    if (values.empty()) return sum;  // for a null pointer zlib would begin anew
    return static_cast<std::uint32_t>(crc32_z(sum, reinterpret_cast<const Bytef *>(values.data()), values.size() * sizeof(Value)));
}

/// Extends the checksum by the images, or by those that stand for all.
template <typename Value>
std::uint32_t crc32_of(std::uint32_t sum, const Dataset &dataset, std::span<const Value> values) {
    const std::size_t size = dataset.shape.size(), step = dataset.stride() * size;
    for (std::size_t begin = 0; begin < values.size(); begin += step) sum = crc32_of(sum, values.subspan(begin, size));
    dataset.release();
    return sum;
}

}  // namespace

DataIdentity identity_of(const Dataset &dataset, const std::filesystem::path &path) {
    std::uint32_t sum = crc32_of(0, dataset, std::span<const std::uint8_t>(dataset.bytes));
    sum = crc32_of(sum, dataset, std::span<const float>(dataset.floats));
    sum = crc32_of(sum, std::span<const int>(dataset.labels));
    std::error_code ignored;  // then the path is empty, and a resumed run finds its data as a new one does
    return {.path = std::filesystem::absolute(path, ignored).lexically_normal().string(), .images = dataset.size(), .checksum = sum};
}

std::string to_string(const DataIdentity &data) {
    return fmt::format("{} images from {} (CRC-32 {:08x})", data.images, data.path, data.checksum);
}

}  // namespace castnet

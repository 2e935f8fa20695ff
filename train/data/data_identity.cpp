#include "train/data/data_identity.h"

#include <fmt/format.h>

#include <span>
#include <system_error>

#include "train/files/checksum.h"

namespace castnet {
namespace {

/// Extends the checksum by the images, or by those that stand for all.
template <typename Value>
std::uint32_t checksum_of_images(std::uint32_t sum, const Dataset &dataset, std::span<const Value> values) {
    const std::size_t size = dataset.shape.size(), step = dataset.stride() * size;
    for (std::size_t begin = 0; begin < values.size(); begin += step) sum = checksum_of(std::as_bytes(values.subspan(begin, size)), sum);
    dataset.release();
    return sum;
}

}  // namespace

DataIdentity identity_of(const Dataset &dataset, const std::filesystem::path &path) {
    std::uint32_t sum = checksum_of_images(0, dataset, std::span<const std::uint8_t>(dataset.bytes));
    sum = checksum_of_images(sum, dataset, std::span<const float>(dataset.floats));
    sum = checksum_of(std::as_bytes(std::span<const int>(dataset.labels)), sum);
    std::error_code ignored;  // then the path is empty, and a resumed run finds its data as a new one does
    return {.path = std::filesystem::absolute(path, ignored).lexically_normal().string(), .images = dataset.size(), .checksum = sum};
}

std::string to_string(const DataIdentity &data) {
    return fmt::format("{} images from {} (CRC-32 {:08x})", data.images, data.path, data.checksum);
}

}  // namespace castnet

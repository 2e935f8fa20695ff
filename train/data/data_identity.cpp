#include "train/data/data_identity.h"

#include <fmt/format.h>
#include <zlib.h>

#include <system_error>

namespace castnet {
namespace {

/// Extends the checksum by the values.
template <typename Value>
std::uint32_t crc32_of(std::uint32_t sum, const std::vector<Value> &values) {
    if (values.empty()) return sum;  // for a null pointer zlib would begin anew
    return static_cast<std::uint32_t>(crc32_z(sum, reinterpret_cast<const Bytef *>(values.data()), values.size() * sizeof(Value)));
}

}  // namespace

DataIdentity identity_of(const Dataset &dataset, const std::filesystem::path &path) {
    std::error_code ignored;  // then the path is empty, and a resumed run finds its data as a new one does
    return {.path = std::filesystem::absolute(path, ignored).lexically_normal().string(),
            .images = dataset.size(),
            .checksum = crc32_of(crc32_of(crc32_of(0, dataset.bytes), dataset.floats), dataset.labels)};
}

std::string to_string(const DataIdentity &data) {
    return fmt::format("{} images from {} (CRC-32 {:08x})", data.images, data.path, data.checksum);
}

}  // namespace castnet

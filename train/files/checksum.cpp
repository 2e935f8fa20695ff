#include "train/files/checksum.h"

#include <zlib.h>

namespace castnet {

std::uint32_t checksum_of(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
    if (bytes.empty()) return before;  // for a null pointer zlib would begin anew
    return static_cast<std::uint32_t>(crc32_z(before, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()));
}

}  // namespace castnet

// CRC-32, which guards against mistakes, not against attacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace castnet {

/// Returns the CRC-32 of the bytes, or of them behind others whose CRC-32 is `before`.
[[nodiscard]] std::uint32_t checksum_of(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

}  // namespace castnet

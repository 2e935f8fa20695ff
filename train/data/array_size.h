// How large an array is that a file announces.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace castnet {

inline constexpr std::size_t most_dimensions = 32;  // numpy's own limit for long

/// Bytes of an array of that shape; none where they are more than memory can be addressed.
inline std::optional<std::size_t> array_bytes(std::span<const std::size_t> shape, std::size_t element_size) {
    std::size_t bytes = element_size;
    for (const std::size_t extent : shape) {
        if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
    }
    return bytes;
}

}  // namespace castnet

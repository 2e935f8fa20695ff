// The size of an array that a file announces.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace castnet {

inline constexpr std::size_t most_dimensions = 32;  // NumPy's own limit for a long time

/// Returns the bytes of an array of that shape; none if they exceed the address space.
inline std::optional<std::size_t> array_bytes(std::span<const std::size_t> shape, std::size_t element_size) {
    std::size_t bytes = element_size;
    for (const std::size_t extent : shape) {
        if (__builtin_mul_overflow(bytes, extent, &bytes)) return std::nullopt;
    }
    return bytes;
}

}  // namespace castnet

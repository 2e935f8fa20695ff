// NumPy's array files (.npy, versions 1 to 3): little-endian, in C order, of type f4, f8, u1, i4 or i8.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "train/data/values.h"

namespace castnet {

enum class NpyKind { bytes, integers, floats };

struct NpyArray {
    std::vector<std::size_t> shape;
    NpyKind kind = NpyKind::floats;
    // In C order: u1 as it is, or other types as the nearest floats. One of the two is empty.
    Values<std::uint8_t> bytes;
    Values<float> values;
};

/// Reads a whole array; a file above `most_read` bytes that holds u1 or f4 is mapped instead. Throws Error.
NpyArray read_npy(const std::filesystem::path &path);

/// Writes float32 values in that shape. Throws Error; see write_file().
void write_npy(const std::filesystem::path &path, const std::vector<std::size_t> &shape, std::span<const float> values);

}  // namespace castnet

// NumPy's array files (.npy, versions 1 to 3): little-endian f4 or u1 in C order.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

namespace castnet {

struct NpyArray {
    std::vector<std::size_t> shape;
    std::vector<float> values;  ///< in C order
    bool holds_bytes = false;   ///< u1: values are 0 … 255
};

/// Reads a whole array. Throws Error.
NpyArray read_npy(const std::filesystem::path &path);

/// Writes float32 values of the shape. Throws Error; see write_file().
void write_npy(const std::filesystem::path &path, const std::vector<std::size_t> &shape, std::span<const float> values);

}  // namespace castnet

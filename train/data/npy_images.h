// Images, or other grids of one shape, in .npy files.
#pragma once

#include <filesystem>
#include <span>

#include "train/data/dataset.h"

namespace castnet {

/// Reads grids of `shape` as (n, h, w, c), uint8 or floating point; extents of 1 among h, w, c may be left out. Throws Error.
Dataset read_npy_images(const std::filesystem::path &path, const Shape &shape);

/// Writes grids of `shape` as (n, h, w, c). Throws Error.
void write_npy_images(const std::filesystem::path &path, const Shape &shape, std::span<const float> values);

}  // namespace castnet

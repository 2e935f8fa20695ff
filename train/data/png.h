// One PNG image.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "runtime/description.h"

namespace castnet {

/// Reads the file into `pixels`, (height, width, channels) of 8 bits, with the values that Pillow and Keras take. Samples are taken as
/// stored, whatever gamma or profile the file names: of 16 bits the upper 8, fewer bits scaled to 255, palettes as their colours. Without a
/// channel for it, alpha is dropped, and colour becomes grey by BT.601's weights 0.299, 0.587 and 0.114. Throws Error, also unless the
/// image has the height and width of `shape`, and `shape` has 1, 3 or 4 channels.
void read_png(const std::filesystem::path &path, const Shape &shape, std::span<std::uint8_t> pixels);

}  // namespace castnet

// One PNG image.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "runtime/description.h"

namespace castnet {

/// Reads the file into `pixels`, (height, width, channels) of 8 bits. Where there is no channel for it, colour becomes grey, and what is
/// transparent black. Throws Error: also unless the image has the height and width of `shape`, and `shape` 1, 3 or 4 channels.
void read_png(const std::filesystem::path &path, const Shape &shape, std::span<std::uint8_t> pixels);

}  // namespace castnet

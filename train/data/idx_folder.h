// Reads a folder of IDX files under MNIST's names, plain or gzip, in either spelling: train-images-idx3-ubyte or train-images.idx3-ubyte.
// Also reads one IDX file of images.
#pragma once

#include <filesystem>
#include <vector>

#include "train/data/dataset.h"

namespace castnet {

bool is_idx_folder(const std::filesystem::path &folder);

/// Reads a part of the folder like load_dataset().
Dataset read_idx_folder(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

/// Returns whether the file begins like IDX or gzip. Throws Error if it cannot be read.
bool is_idx_file(const std::filesystem::path &file);

/// Reads the images of one file, without labels. Throws Error like load_dataset().
Dataset read_idx_file(const std::filesystem::path &file, const Shape &shape);

}  // namespace castnet

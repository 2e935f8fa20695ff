// A folder of IDX files under MNIST's names, plain or gzip, in either spelling: train-images-idx3-ubyte or train-images.idx3-ubyte; or one
// IDX file of images.
#pragma once

#include <filesystem>
#include <vector>

#include "train/data/dataset.h"

namespace castnet {

bool is_idx_folder(const std::filesystem::path &folder);

/// As load_dataset().
Dataset read_idx_folder(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

/// Whether it begins as IDX or gzip does. Throws Error where it cannot be read.
bool is_idx_file(const std::filesystem::path &file);

/// The images of one file, without labels. Throws Error as load_dataset().
Dataset read_idx_file(const std::filesystem::path &file, const Shape &shape);

}  // namespace castnet

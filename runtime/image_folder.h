// A folder of PNG images: in subfolders train and test, or in itself for both; there directly, or in a subfolder for each class.
#pragma once

#include <filesystem>
#include <vector>

#include "runtime/dataset.h"

namespace castnet {

/// As load_dataset(). A class's label is its subfolder's name where all are whole numbers, else the name's place in the alphabet, among
/// those of both parts.
Dataset read_image_folder(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

}  // namespace castnet

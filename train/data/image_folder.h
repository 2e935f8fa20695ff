// Reads a folder of PNG images. They lie in subfolders train and test, or in the folder itself for both; there directly, or in a subfolder
// per class.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "train/data/dataset.h"

namespace castnet {

/// Returns the names of both parts' subfolders in alphabetical order: a class's label is its place. Returns none if there are no
/// subfolders, or if each is named by another whole number, which is then its label. Throws Error.
std::vector<std::string> image_class_names(const std::filesystem::path &folder);

/// Reads a part of the folder like load_dataset(). Throws Error, also if images of other formats are among those to be read.
Dataset read_image_folder(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

}  // namespace castnet

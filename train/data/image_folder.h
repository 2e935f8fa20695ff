// A folder of PNG images: in subfolders train and test, or in itself for both; there directly, or in a subfolder for each class.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "train/data/dataset.h"

namespace castnet {

/// The names of the subfolders, of both parts, in the order of the alphabet: then a class's label is its place. None where the images are
/// in no subfolders, or where each is named by another whole number: then this is the label. Throws Error.
std::vector<std::string> image_class_names(const std::filesystem::path &folder);

/// As load_dataset(). Throws Error also where images of other formats are among those to be read.
Dataset read_image_folder(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

}  // namespace castnet

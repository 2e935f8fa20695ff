// Reads a folder of train.npy and test.npy, with or without train-labels.npy and test-labels.npy.
#pragma once

#include <filesystem>
#include <vector>

#include "train/data/dataset.h"

namespace castnet {

bool is_npy_folder(const std::filesystem::path &folder);

/// Reads a part of the folder like load_dataset().
Dataset read_npy_folder(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

}  // namespace castnet

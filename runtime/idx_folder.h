// A folder of IDX files under MNIST's names, plain or gzip.
#pragma once

#include <filesystem>
#include <vector>

#include "runtime/dataset.h"

namespace castnet {

bool is_idx_folder(const std::filesystem::path &folder);

/// As load_dataset().
Dataset read_idx_folder(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

}  // namespace castnet

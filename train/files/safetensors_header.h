// The JSON header of a safetensors file.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "train/files/error.h"

namespace castnet {

struct TensorEntry {
    std::string name;
    std::vector<std::size_t> shape;
    std::vector<std::size_t> offsets;  ///< of its first byte, and one past its last
};

struct SafetensorsHeader {
    std::map<std::string, std::string> metadata;
    std::vector<TensorEntry> tensors;
};

/// Makes an Error about a safetensors file.
Error safetensors_error(const std::filesystem::path &path, const std::string &what);

/// Parses the header of the file. Keeps only what a sound one holds, so that memory stays in proportion to it. Throws safetensors_error().
SafetensorsHeader parse_safetensors_header(const std::filesystem::path &path, std::string_view text);

}  // namespace castnet

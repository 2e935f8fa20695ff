// safetensors: eight bytes of header length, a JSON header, then the tensors' bytes, little-endian and without holes.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace castnet {

struct Tensor {
    std::string name;
    std::vector<std::size_t> shape;  ///< empty: a scalar
    std::vector<float> values;       ///< in C order
};

struct TensorFile {
    std::map<std::string, std::string> metadata;
    std::vector<Tensor> tensors;

    /// Returns the tensor of that name, or nullptr.
    [[nodiscard]] const Tensor *find(const std::string &name) const;
};

/// Reads a file of F32 tensors. Throws Error, with the reason, for what the format's own reader refuses: a header that is too large or not
/// understood, offsets with holes or overlaps, sizes that do not multiply out, data that does not end with the file. Also throws if a bit
/// has changed since write_safetensors() wrote the file.
TensorFile read_safetensors(const std::filesystem::path &path);

/// Writes the tensors in order, and a checksum of the file at the front of the metadata. Throws Error; see write_file().
void write_safetensors(const std::filesystem::path &path, const TensorFile &file);

}  // namespace castnet

// IDX, the format of MNIST: plain or gzip, any element type, any number of dimensions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace castnet {

/// An array as an IDX file holds it.
class IdxArray {
public:
    /// Reads the file, whole and nothing beyond it. Throws Error.
    static IdxArray read(const std::filesystem::path &path);

    [[nodiscard]] const std::vector<std::size_t> &shape() const { return shape_; }
    [[nodiscard]] std::size_t size() const { return data_.size() / element_size_; }
    [[nodiscard]] bool holds_bytes() const { return type_ == 0x08; }

    /// Elements first … first + out.size() - 1 in C order, as the nearest floats.
    void copy(std::size_t first, std::span<float> out) const;

private:
    std::uint8_t type_ = 0x08;
    std::size_t element_size_ = 1;  // bytes
    std::vector<std::size_t> shape_;
    std::vector<std::byte> data_;  // big-endian
};

}  // namespace castnet

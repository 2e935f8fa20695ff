// IDX, the format of MNIST: plain or gzip, any element type, any number of dimensions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "train/data/values.h"

struct gzFile_s;

namespace castnet {

/// Reads an array from beginning to end, in C order. Each call reads as many elements as the caller asks for, so that memory stays small.
class IdxReader {
public:
    /// Reads the header. Throws Error, also if it announces more than a file of that size can hold.
    explicit IdxReader(const std::filesystem::path &path);

    [[nodiscard]] const std::vector<std::size_t> &shape() const { return shape_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool holds_bytes() const { return type_ == 0x08; }

    /// Returns all elements of a file of more than `most_read` bytes without reading them; none if it is smaller, compressed, or does not
    /// hold bytes. Throws Error if it does not end with them.
    [[nodiscard]] Values<std::uint8_t> map() const;

    /// Reads the next elements as the nearest floats, or as they are if the file holds bytes. Throws Error if it ends before.
    void read(std::span<float> out);
    void read(std::span<std::uint8_t> out);

    /// Throws Error unless the file ends here, undamaged.
    void finish();

private:
    struct Close {
        void operator()(gzFile_s *file) const;
    };

    [[nodiscard]] std::string failure(const std::string &what) const;
    [[nodiscard]] std::string too_short() const;
    void check_system();
    bool read_exactly(std::span<std::byte> out);  // false if the file ends before or is damaged
    void read_data(std::span<std::byte> out);

    std::filesystem::path path_;
    std::unique_ptr<gzFile_s, Close> file_;
    std::uint8_t type_ = 0;
    std::size_t element_size_ = 0, size_ = 1;  // bytes per element; number of elements
    std::vector<std::size_t> shape_;
    std::vector<std::byte> buffer_;
};

}  // namespace castnet

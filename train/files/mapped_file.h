// Files that are mapped into memory, not read: for data larger than memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>

namespace castnet {

/// A whole file as bytes, which the system reads where they are touched. Bytes that can no longer be read, as the file has become shorter
/// or its disk failed, end the program with one line.
class MappedFile {
public:
    /// Throws Error, also for anything but a regular file.
    explicit MappedFile(const std::filesystem::path &path);
    MappedFile(const MappedFile &) = delete;
    MappedFile &operator=(const MappedFile &) = delete;
    ~MappedFile();

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
    /// Lets go of the memory of what was touched; it is read again when it is touched again.
    void release() const noexcept;

private:
    std::span<const std::byte> bytes_;
    std::size_t watched_;  // its place among the watched files
};

}  // namespace castnet

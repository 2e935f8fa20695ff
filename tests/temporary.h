// A temporary folder that is removed with its contents, and helpers that read and write files.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace castnet::test {

class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "castnet-test-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path &path() const { return path_; }
    [[nodiscard]] std::size_t entries() const {
        return std::size_t(std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
    }

private:
    std::filesystem::path path_;
};

inline void write_plain(const std::filesystem::path &path, const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_plain(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_gzip(const std::filesystem::path &path, const std::string &bytes) {
    gzFile file = gzopen(path.c_str(), "wb");
    gzwrite(file, bytes.data(), unsigned(bytes.size()));
    gzclose(file);
}

inline std::string big_endian(std::uint32_t value) {
    return {char(value >> 24U), char(value >> 16U & 0xffU), char(value >> 8U & 0xffU), char(value & 0xffU)};
}

/// Returns the bytes of an IDX file: a header with element type and extents, then the data.
inline std::string idx_bytes(char type, const std::vector<std::uint32_t> &extents, const std::string &data) {
    std::string bytes{'\0', '\0', type, char(extents.size())};
    for (const std::uint32_t extent : extents) bytes += big_endian(extent);
    return bytes + data;
}

/// Returns a .npy file's header, as numpy writes it. `type` is like "<f4", `shape` like "2, 3" or "2,".
inline std::string npy_header(const std::string &type, const std::string &shape) {
    return "{'descr': '" + type + "', 'fortran_order': False, 'shape': (" + shape + "), }\n";
}

inline std::string npy_bytes(const std::string &header, const std::string &data) {
    return std::string("\x93NUMPY\x01\x00", 8) + char(header.size() & 0xffU) + char(header.size() >> 8U) + header + data;
}

/// Returns the bytes in the machine's byte order.
template <typename Number>
std::string raw_bytes(const std::vector<Number> &numbers) {
    return {reinterpret_cast<const char *>(numbers.data()), numbers.size() * sizeof(Number)};
}

/// Writes a data set of `count` random images of h x w x c bytes, with labels 1, 5, 6 in turn. Both parts are the same.
inline void write_dataset(const std::filesystem::path &folder, std::uint32_t count, const std::vector<std::uint32_t> &shape) {
    std::filesystem::create_directories(folder);
    std::string images, labels;
    std::uint32_t state = 1;
    std::size_t size = count;
    for (const std::uint32_t extent : shape) size *= extent;
    for (std::size_t i = 0; i < size; i++) images += char((state = state * 1664525U + 1013904223U) >> 24U);
    for (std::uint32_t i = 0; i < count; i++) labels += "\1\5\6"[i % 3];
    std::vector<std::uint32_t> extents{count};
    extents.insert(extents.end(), shape.begin(), shape.end());
    for (const char *part : {"train", "t10k"}) {
        write_gzip(folder / (std::string(part) + "-images-idx3-ubyte.gz"), idx_bytes(0x08, extents, images));
        write_gzip(folder / (std::string(part) + "-labels-idx1-ubyte.gz"), idx_bytes(0x08, {count}, labels));
    }
}

}  // namespace castnet::test

// Writes PNG files chunk by chunk, so that tests can write what no library would.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/temporary.h"

namespace castnet::test {

inline std::string png_chunk(const std::string &type, const std::string &data) {
    const std::string checked = type + data;
    const auto sum = crc32(0, reinterpret_cast<const Bytef *>(checked.data()), static_cast<uInt>(checked.size()));
    return big_endian(static_cast<std::uint32_t>(data.size())) + checked + big_endian(static_cast<std::uint32_t>(sum));
}

inline std::string compressed(const std::string &data) {
    uLongf size = compressBound(static_cast<uLong>(data.size()));
    std::string result(size, '\0');
    compress(reinterpret_cast<Bytef *>(result.data()), &size, reinterpret_cast<const Bytef *>(data.data()),
             static_cast<uLong>(data.size()));
    result.resize(size);
    return result;
}

/// PNG's colour types.
enum class PngColour : std::uint8_t { grey = 0, rgb = 2, palette = 3, grey_alpha = 4, rgba = 6 };

struct PngHeader {
    std::uint32_t height = 0, width = 0;
    PngColour colour = PngColour::grey;
    char depth = 8;
};

/// Returns a file's bytes, from packed pixels and more chunks before them.
inline std::string png_bytes(const PngHeader &header, const std::string &pixels, const std::string &chunks = "") {
    std::string rows;
    const std::size_t row = header.height == 0 ? 0 : pixels.size() / header.height;
    for (std::size_t begin = 0; begin + row <= pixels.size() && row > 0; begin += row)
        rows += '\0' + pixels.substr(begin, row);  // no filter
    const std::string description =
        big_endian(header.width) + big_endian(header.height) + header.depth + static_cast<char>(header.colour) + std::string(3, '\0');
    return "\x89PNG\r\n\x1a\n" + png_chunk("IHDR", description) + chunks + png_chunk("IDAT", compressed(rows)) + png_chunk("IEND", "");
}

/// Writes a grey image filled with one value.
inline void write_grey_png(const std::filesystem::path &path, std::uint32_t height, std::uint32_t width, char value) {
    std::filesystem::create_directories(path.parent_path());
    write_plain(path, png_bytes({.height = height, .width = width}, std::string(std::size_t{height} * width, value)));
}

}  // namespace castnet::test

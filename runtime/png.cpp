#include "runtime/png.h"

#include <fmt/format.h>
#include <png.h>

#include "runtime/error.h"
#include "runtime/file.h"

namespace castnet {
namespace {

/// libpng's reader, freed when it goes.
struct Reader {
    Reader() = default;
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;
    ~Reader() { png_image_free(&image); }

    png_image image{.opaque = nullptr,
                    .version = PNG_IMAGE_VERSION,
                    .width = 0,
                    .height = 0,
                    .format = 0,
                    .flags = 0,
                    .colormap_entries = 0,
                    .warning_or_error = 0,
                    .message = {}};
};

png_uint_32 format_of(int channels, const std::filesystem::path &path) {
    switch (channels) {
    case 1:
        return PNG_FORMAT_GRAY;
    case 3:
        return PNG_FORMAT_RGB;
    case 4:
        return PNG_FORMAT_RGBA;
    default:
        throw Error(
            fmt::format("{}: PNG images become 1, 3 or 4 channels, and the network's have {}; give a .npy file", path.string(), channels));
    }
}

}  // namespace

void read_png(const std::filesystem::path &path, const Shape &shape, std::span<std::uint8_t> pixels) {
    const png_uint_32 format = format_of(shape.channels, path);
    const std::vector<std::byte> bytes = read_file(path);
    Reader reader;
    png_image &image = reader.image;
    const auto failure = [&] { return Error(fmt::format("{}: {}; replace it by a sound PNG image", path.string(), image.message)); };
    if (png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) == 0) throw failure();
    // Before a pixel is read: a few bytes may announce terabytes.
    if (image.height != static_cast<png_uint_32>(shape.height) || image.width != static_cast<png_uint_32>(shape.width))
        throw Error(fmt::format("{}: the image is {}x{}, the network's are {}x{}; give images of that size", path.string(), image.height,
                                image.width, shape.height, shape.width));
    image.format = format;
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // 16 bits are scaled as 8 are, unless the file says otherwise
    const png_color black{.red = 0, .green = 0, .blue = 0};
    if (png_image_finish_read(&image, &black, pixels.data(), 0, nullptr) == 0) throw failure();
}

}  // namespace castnet

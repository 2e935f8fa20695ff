#include "train/data/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <new>
#include <string_view>

#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

/// Reads a PNG file in memory with libpng.
class Reader {
public:
    explicit Reader(std::span<const std::byte> file) : file_(file) {
        png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, fail, [](png_struct *, const char *) {});
        info_ = png_ == nullptr ? nullptr : png_create_info_struct(png_);
        if (info_ == nullptr) {
            png_destroy_read_struct(&png_, nullptr, nullptr);
            throw std::bad_alloc();
        }
    }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;
    ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }

    // Each returns whether it completed; if not, message() says why.

    /// Reads what precedes the pixels.
    [[nodiscard]] bool read_header() {
        return completes([this] {
            png_set_read_fn(png_, this, read);
            png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);  // only PLTE, tRNS and the pixels
            png_set_crc_action(png_, PNG_CRC_DEFAULT, PNG_CRC_ERROR_QUIT);           // a damaged tRNS too
            png_read_info(png_, info_);
        });
    }
    /// Reads the pixels into `rows`, as 8 bits in 1, 3 or 4 channels; colour needs 3.
    [[nodiscard]] bool read_pixels(int channels, std::span<png_byte *> rows) {
        return completes([&] {
            png_set_expand(png_);    // fewer bits to 8, palettes to colours, tRNS to alpha
            png_set_strip_16(png_);  // to the upper 8
            if (channels >= 3) png_set_gray_to_rgb(png_);
            if (channels == 4) {
                png_set_add_alpha(png_, 0xff, PNG_FILLER_AFTER);  // where there is none
            } else {
                png_set_strip_alpha(png_);
            }
            png_set_interlace_handling(png_);
            png_read_update_info(png_, info_);
            png_read_image(png_, rows.data());
        });
    }

    [[nodiscard]] png_uint_32 height() const { return png_get_image_height(png_, info_); }
    [[nodiscard]] png_uint_32 width() const { return png_get_image_width(png_, info_); }
    [[nodiscard]] bool has_colour() const { return (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) != 0; }
    [[nodiscard]] const char *message() const { return message_.data(); }

private:
    /// Returns whether step() completed. libpng leaves it by longjmp(), past all destructors, so it must have nothing to destroy.
    template <typename Step>
    bool completes(const Step &step) {
        if (setjmp(png_jmpbuf(png_)) != 0) return false;  // NOLINT(cert-err52-cpp): libpng's way
        step();
        return true;
    }

    [[noreturn]] static void fail(png_struct *png, const char *message) {
        auto &reader = *static_cast<Reader *>(png_get_error_ptr(png));
        const std::string_view text(message);
        text.copy(reader.message_.data(), reader.message_.size() - 1);  // zeros follow
        png_longjmp(png, 1);
    }

    static void read(png_struct *png, png_byte *to, std::size_t size) {
        auto &file = static_cast<Reader *>(png_get_io_ptr(png))->file_;
        if (size > file.size()) png_error(png, "ends before its image does");
        std::memcpy(to, file.data(), size);
        file = file.subspan(size);
    }

    std::span<const std::byte> file_;  // not read yet
    png_struct *png_ = nullptr;
    png_info *info_ = nullptr;
    std::array<char, 128> message_{};
};

/// Returns the luma of BT.601, rounded as Pillow does.
std::uint8_t grey(const std::uint8_t *rgb) {
    return static_cast<std::uint8_t>((19595U * rgb[0] + 38470U * rgb[1] + 7471U * rgb[2] + 0x8000U) >> 16U);
}

}  // namespace

void read_png(const std::filesystem::path &path, const Shape &shape, std::span<std::uint8_t> pixels) {
    if (shape.channels != 1 && shape.channels != 3 && shape.channels != 4)
        throw Error(fmt::format("{}: PNG images become 1, 3 or 4 channels, and the network's have {}; give a .npy file", path.string(),
                                shape.channels));
    const std::vector<std::byte> bytes = read_file(path);
    Reader reader(bytes);
    const auto failure = [&] { return Error(fmt::format("{}: {}; replace it by a sound PNG image", path.string(), reader.message())); };
    if (!reader.read_header()) throw failure();
    // Checked before reading pixels: a few bytes may announce terabytes.
    if (reader.height() != static_cast<png_uint_32>(shape.height) || reader.width() != static_cast<png_uint_32>(shape.width))
        throw Error(fmt::format("{}: the image is {}x{}, the network's are {}x{}; give images of that size", path.string(), reader.height(),
                                reader.width(), shape.height, shape.width));

    const bool becomes_grey = shape.channels == 1 && reader.has_colour();
    std::vector<std::uint8_t> colours(becomes_grey ? 3 * pixels.size() : 0);
    const std::span<std::uint8_t> target = becomes_grey ? std::span(colours) : pixels;
    std::vector<png_byte *> rows(reader.height());
    for (std::size_t y = 0; y < rows.size(); y++) rows[y] = target.data() + y * (target.size() / rows.size());
    if (!reader.read_pixels(becomes_grey ? 3 : shape.channels, rows)) throw failure();
    if (!becomes_grey) return;
    for (std::size_t i = 0; i < pixels.size(); i++) pixels[i] = grey(colours.data() + 3 * i);
}

}  // namespace castnet

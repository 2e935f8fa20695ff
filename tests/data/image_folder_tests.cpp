// Tests PNG images: how pixels are converted, and which files of a folder are read.
#include <doctest/doctest.h>
#include <unistd.h>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "tests/data/png_file.h"
#include "tests/temporary.h"
#include "train/data/dataset.h"
#include "train/data/png.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

std::string reason(const auto &action) {
    try {
        action();
    } catch (const Error &error) {
        CHECK(std::string(error.what()).find('\n') == std::string::npos);
        return error.what();
    }
    return "no error";
}

Bytes pixels_of(const std::string &file, const Shape &shape) {
    const TemporaryFolder folder;
    write_plain(folder.path() / "a.png", file);
    Bytes pixels(shape.size(), 77);
    read_png(folder.path() / "a.png", shape, pixels);
    return pixels;
}

/// Returns "ok", or why the file is refused.
std::string refusal(const std::string &file, const Shape &shape) {
    return reason([&] { (void)pixels_of(file, shape); });
}

/// Returns a PNG of one row, with more chunks before the pixels.
std::string row_of(PngColour colour, std::uint32_t width, const Bytes &samples, const std::string &chunks = "", char depth = 8) {
    return png_bytes({.height = 1, .width = width, .colour = colour, .depth = depth}, {samples.begin(), samples.end()}, chunks);
}

// The expected values are those of Pillow 13's convert("L"), ("RGB") and ("RGBA").

TEST_CASE("png: grey becomes the network's channels, and colour grey by BT.601's weights") {
    const std::string grey = row_of(PngColour::grey, 3, {0, 128, 255});
    CHECK(pixels_of(grey, {1, 3, 1}) == Bytes{0, 128, 255});
    CHECK(pixels_of(grey, {1, 3, 3}) == Bytes{0, 0, 0, 128, 128, 128, 255, 255, 255});
    CHECK(pixels_of(grey, {1, 3, 4}) == Bytes{0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255});
    const Bytes samples{10, 20, 30, 200, 100, 50, 255, 0, 0, 0, 255, 0, 0, 0, 255, 1, 2, 3, 254, 255, 253};
    const std::string rgb = row_of(PngColour::rgb, 7, samples);
    CHECK(pixels_of(rgb, {1, 7, 1}) == Bytes{18, 124, 76, 150, 29, 2, 254});
    CHECK(pixels_of(rgb, {1, 7, 3}) == samples);
    CHECK(pixels_of(png_bytes({.height = 2, .width = 1, .colour = PngColour::rgb}, "\x01\x02\x03\xff\xff\xff"), {2, 1, 4}) ==
          Bytes{1, 2, 3, 255, 255, 255, 255, 255});
}

TEST_CASE("png: samples are taken as they are stored, whatever gamma, profile or significant bits the file names") {
    const Bytes samples{10, 20, 30, 200, 100, 50};
    for (const std::string &chunk : {png_chunk("gAMA", big_endian(100000)), png_chunk("gAMA", big_endian(45455)), png_chunk("sRGB", "\1"),
                                     png_chunk("sBIT", "\5\6\5"), png_chunk("bKGD", std::string("\0\1\0\2\0\3", 6))}) {
        CHECK(pixels_of(row_of(PngColour::rgb, 2, samples, chunk), {1, 2, 3}) == samples);
        CHECK(pixels_of(row_of(PngColour::rgb, 2, samples, chunk), {1, 2, 1}) == Bytes{18, 124});
    }
    CHECK(pixels_of(row_of(PngColour::grey, 3, {0, 128, 255}, png_chunk("gAMA", big_endian(100000))), {1, 3, 1}) == Bytes{0, 128, 255});
    CHECK(pixels_of(row_of(PngColour::grey, 2, {0x12, 0x34, 0x80, 0xff}, png_chunk("gAMA", big_endian(100000)), 16), {1, 2, 1}) ==
          Bytes{0x12, 0x80});
}

TEST_CASE("png: alpha is kept where there is a channel for it and dropped elsewhere, nothing is blended") {
    const std::string rgba = row_of(PngColour::rgba, 4, {10, 20, 30, 255, 10, 20, 30, 128, 10, 20, 30, 0, 200, 100, 50, 1});
    CHECK(pixels_of(rgba, {1, 4, 4}) == Bytes{10, 20, 30, 255, 10, 20, 30, 128, 10, 20, 30, 0, 200, 100, 50, 1});
    CHECK(pixels_of(rgba, {1, 4, 3}) == Bytes{10, 20, 30, 10, 20, 30, 10, 20, 30, 200, 100, 50});
    CHECK(pixels_of(rgba, {1, 4, 1}) == Bytes{18, 18, 18, 124});
    const std::string grey_alpha = row_of(PngColour::grey_alpha, 3, {100, 255, 100, 128, 100, 0});
    CHECK(pixels_of(grey_alpha, {1, 3, 1}) == Bytes{100, 100, 100});
    CHECK(pixels_of(grey_alpha, {1, 3, 3}) == Bytes(9, 100));
    CHECK(pixels_of(grey_alpha, {1, 3, 4}) == Bytes{100, 100, 100, 255, 100, 100, 100, 128, 100, 100, 100, 0});
    const std::string one_grey = png_chunk("tRNS", std::string("\0\x64", 2)), one_colour = png_chunk("tRNS", {0, 10, 0, 20, 0, 30});
    CHECK(pixels_of(row_of(PngColour::grey, 2, {100, 50}, one_grey), {1, 2, 1}) == Bytes{100, 50});
    CHECK(pixels_of(row_of(PngColour::grey, 2, {100, 50}, one_grey), {1, 2, 4}) == Bytes{100, 100, 100, 0, 50, 50, 50, 255});
    CHECK(pixels_of(row_of(PngColour::rgb, 2, {10, 20, 30, 1, 2, 3}, one_colour), {1, 2, 3}) == Bytes{10, 20, 30, 1, 2, 3});
    CHECK(pixels_of(row_of(PngColour::rgb, 2, {10, 20, 30, 1, 2, 3}, one_colour), {1, 2, 4}) == Bytes{10, 20, 30, 0, 1, 2, 3, 255});
}

TEST_CASE("png: of 16 bits the upper 8 are taken, of every kind alike") {
    const std::string grey = row_of(PngColour::grey, 4, {0x12, 0x34, 0x80, 0xff, 0xff, 0x00, 0x00, 0xff}, "", 16);
    CHECK(pixels_of(grey, {1, 4, 1}) == Bytes{0x12, 0x80, 0xff, 0x00});
    CHECK(pixels_of(grey, {1, 4, 3}) == Bytes{0x12, 0x12, 0x12, 0x80, 0x80, 0x80, 0xff, 0xff, 0xff, 0, 0, 0});
    const std::string grey_alpha = row_of(PngColour::grey_alpha, 2, {0x12, 0x34, 0xff, 0xff, 0x80, 0xff, 0x40, 0x80}, "", 16);
    CHECK(pixels_of(grey_alpha, {1, 2, 1}) == Bytes{18, 128});
    CHECK(pixels_of(grey_alpha, {1, 2, 4}) == Bytes{18, 18, 18, 255, 128, 128, 128, 64});
    const std::string rgb = row_of(PngColour::rgb, 2, {0x12, 0xff, 0x34, 0x80, 0x56, 0x00, 0xc8, 0xff, 0x64, 0xff, 0x32, 0xff}, "", 16);
    CHECK(pixels_of(rgb, {1, 2, 3}) == Bytes{18, 52, 86, 200, 100, 50});
    CHECK(pixels_of(rgb, {1, 2, 1}) == Bytes{46, 124});
    const std::string rgba = row_of(PngColour::rgba, 1, {0x12, 0xff, 0x34, 0x80, 0x56, 0x00, 0x40, 0xff}, "", 16);
    CHECK(pixels_of(rgba, {1, 1, 4}) == Bytes{18, 52, 86, 64});
    CHECK(pixels_of(rgba, {1, 1, 3}) == Bytes{18, 52, 86});
    CHECK(pixels_of(rgba, {1, 1, 1}) == Bytes{46});
}

TEST_CASE("png: fewer bits reach from black to white, and a palette's are its colours") {
    CHECK(pixels_of(row_of(PngColour::grey, 3, {0xa0}, "", 1), {1, 3, 1}) == Bytes{255, 0, 255});
    CHECK(pixels_of(row_of(PngColour::grey, 4, {0x1b}, "", 2), {1, 4, 1}) == Bytes{0, 85, 170, 255});
    CHECK(pixels_of(row_of(PngColour::grey, 4, {0x05, 0xaf}, "", 4), {1, 4, 1}) == Bytes{0, 85, 170, 255});
    CHECK(pixels_of(row_of(PngColour::grey, 2, {0x80}, "", 1), {1, 2, 4}) == Bytes{255, 255, 255, 255, 0, 0, 0, 255});
    const std::string palette = png_chunk("PLTE", {1, 2, 3, static_cast<char>(200), 100, 50, 7, 7, 7}),
                      transparency = png_chunk("tRNS", "\xff\x80");
    for (const auto &[depth, samples] : {std::pair{char(8), Bytes{0, 1, 2}}, std::pair{char(2), Bytes{0x18}}}) {
        const std::string opaque = row_of(PngColour::palette, 3, samples, palette, depth),
                          transparent = row_of(PngColour::palette, 3, samples, palette + transparency, depth);
        CHECK(pixels_of(opaque, {1, 3, 3}) == Bytes{1, 2, 3, 200, 100, 50, 7, 7, 7});
        CHECK(pixels_of(opaque, {1, 3, 1}) == Bytes{2, 124, 7});
        CHECK(pixels_of(transparent, {1, 3, 3}) == Bytes{1, 2, 3, 200, 100, 50, 7, 7, 7});
        CHECK(pixels_of(transparent, {1, 3, 1}) == Bytes{2, 124, 7});
        CHECK(pixels_of(transparent, {1, 3, 4}) == Bytes{1, 2, 3, 255, 200, 100, 50, 128, 7, 7, 7, 255});
    }
}

TEST_CASE("png: what does not fit is named with both sizes, before any pixel is read") {
    const std::string image = png_bytes({.height = 2, .width = 3}, "abcdef");
    CHECK(refusal(image, {3, 2, 1}).find("a.png: the image is 2x3, the network's are 3x2; give images of that size") != std::string::npos);
    CHECK(refusal(image, {2, 3, 2}).find("PNG images become 1, 3 or 4 channels, and the network's have 2") != std::string::npos);
    CHECK(refusal(png_bytes({.height = 1000000, .width = 1000000}, ""), {2, 3, 1}).find("the image is 1000000x1000000") !=
          std::string::npos);
    CHECK(refusal(png_bytes({.height = 0x7fffffff, .width = 0x7fffffff}, ""), {2, 3, 1}).find("replace it") != std::string::npos);
    CHECK(refusal(png_bytes({.height = 0, .width = 0}, ""), {2, 3, 1}).find("replace it") != std::string::npos);
}

TEST_CASE("png: a damaged file is refused wherever it ends and whatever bit is wrong, and never read as another image") {
    std::string pixels;
    for (int i = 0; i < 12 * 10; i++) pixels += static_cast<char>(i * i);
    const Shape shape{12, 10, 1};
    const std::string sound = png_bytes({.height = 12, .width = 10}, pixels);
    const Bytes expected = pixels_of(sound, shape);
    const std::size_t end_chunk = 12;
    for (std::size_t size = 0; size < sound.size() - end_chunk; size++) {
        CAPTURE(size);
        CHECK(refusal(sound.substr(0, size), shape).find("a.png: ") != std::string::npos);
    }
    for (std::size_t bit = 0; bit < sound.size() * 8; bit++) {
        std::string damaged = sound;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        CAPTURE(bit);
        Bytes read;
        const std::string why = reason([&] { read = pixels_of(damaged, shape); });
        CHECK((why.find("a.png: ") != std::string::npos || read == expected));
    }
}

TEST_CASE("png: damaged transparency is not left out") {
    const std::string sound = row_of(PngColour::palette, 2, {0, 1}, png_chunk("PLTE", "\1\2\3\4\5\6") + png_chunk("tRNS", "\x80"));
    CHECK(pixels_of(sound, {1, 2, 4}) == Bytes{1, 2, 3, 128, 4, 5, 6, 255});
    std::string damaged = sound;
    damaged[sound.find("tRNS") + 4] = '\x81';
    CHECK(refusal(damaged, {1, 2, 4}).find("a.png: tRNS: CRC error; replace it") != std::string::npos);
}

/// A folder of grey 2x2 images, each filled with one value.
struct Images {
    TemporaryFolder folder;
    Images(const std::initializer_list<std::pair<std::string, int>> &files) {
        for (const auto &[name, value] : files) add(name, value);
    }
    void add(const std::string &name, int value) const { write_grey_png(folder.path() / name, 2, 2, static_cast<char>(value)); }

    [[nodiscard]] Dataset load(Part part = Part::train, const std::vector<int> &classes = {}) const {
        return load_dataset(folder.path(), part, {2, 2, 1}, classes);
    }
    /// Returns the first pixel of each image.
    [[nodiscard]] std::vector<int> values(Part part = Part::train, const std::vector<int> &classes = {}) const {
        std::vector<int> values;
        const Dataset dataset = load(part, classes);
        for (std::size_t i = 0; i < dataset.size(); i++) values.push_back(dataset.bytes[i * 4]);
        return values;
    }
    [[nodiscard]] std::string refusal(Part part = Part::train) const {
        return reason([&] { (void)load(part); });
    }
};

using Values = std::vector<int>;

TEST_CASE("image folder: images directly, sorted by name, are both parts and unlabelled, and what is no image is left alone") {
    const Images images{{"b.png", 2}, {"a.PNG", 1}, {"c with 'quotes' & \xc3\xa4 \xff.png", 3}};
    images.add(".hidden.png", 9);
    write_plain(images.folder.path() / "notes.txt", "x");
    write_plain(images.folder.path() / "png", "x");
    std::filesystem::create_directory(images.folder.path() / "folder.png");
    std::filesystem::create_directory(images.folder.path() / "empty");
    for (const Part part : {Part::train, Part::test}) CHECK(images.values(part, {5}) == Values{1, 2, 3});
    CHECK(images.load().labels.empty());
    CHECK(images.load().floats.empty());
}

TEST_CASE("image folder: a folder for each class, and numbers are labels") {
    const Images images{{"10/x.png", 1}, {"10/y.png", 2}, {"5/x.png", 3}, {"-1/x.png", 4}};
    CHECK(images.values() == Values{4, 1, 2, 3});
    CHECK(images.load().labels == Values{-1, 10, 10, 5});
    CHECK(images.values(Part::test, {5, 10}) == Values{1, 2, 3});
    CHECK(images.load(Part::test, {5, 10}).labels == Values{10, 10, 5});
    CHECK(reason([&] { (void)images.load(Part::train, {7}); }).find("has no train image of the classes 7") != std::string::npos);
}

TEST_CASE("image folder: two names of one number are names") {
    const Images images{{"01/x.png", 1}, {"1/x.png", 2}, {"2/x.png", 3}};
    CHECK(images.load().labels == Values{0, 1, 2});
    CHECK(images.load().class_names == std::vector<std::string>{"01", "1", "2"});
    CHECK(images.values(Part::train, {1}) == Values{2});
    const Images padded{{"train/01/x.png", 1}, {"test/02/x.png", 2}};
    CHECK(padded.load(Part::test).labels == Values{2});
    CHECK(padded.load(Part::test).class_names.empty());
    const Images parts{{"train/01/x.png", 1}, {"test/1/x.png", 2}};
    CHECK(parts.load(Part::test).labels == Values{1});
    CHECK(parts.load(Part::test).class_names == std::vector<std::string>{"01", "1"});
}

TEST_CASE("image folder: images of other formats are not passed over") {
    const Images images{{"a.png", 1}};
    const auto add_other = [&](const std::string &name) {
        std::filesystem::create_directories((images.folder.path() / name).parent_path());
        write_plain(images.folder.path() / name, "x");
    };
    add_other("b.JPG");
    CHECK(images.refusal().find(": 1 of its images is no PNG, such as b.JPG; convert what you need, and move the rest") !=
          std::string::npos);
    add_other("c.webp");
    CHECK(images.refusal().find(": 2 of its images are no PNG, such as b.JPG") != std::string::npos);
    const Images classes{{"train/dog/a.png", 1}, {"test/dog/a.png", 1}};
    std::filesystem::create_directories(classes.folder.path() / "test/cat");
    write_plain(classes.folder.path() / "test/cat/b.jpeg", "x");
    CHECK(classes.refusal(Part::train).find("cat: 1 of its images is no PNG, such as b.jpeg") != std::string::npos);
    const Images none{};
    write_plain(none.folder.path() / "a.jpg", "x");
    CHECK(none.refusal().find("1 of its images is no PNG, such as a.jpg") != std::string::npos);
}

TEST_CASE("image folder: names of classes are counted in the order of the alphabet, the same in both parts") {
    const Images images{{"train/good/1.png", 1}, {"test/bent/1.png", 2}, {"test/good/1.png", 3}, {"test/scratched/1.png", 4}};
    CHECK(images.load(Part::train).labels == Values{1});
    CHECK(images.load(Part::test).labels == Values{0, 1, 2});
    CHECK(images.values(Part::test) == Values{2, 3, 4});
    for (const Part part : {Part::train, Part::test})
        CHECK(images.load(part).class_names == std::vector<std::string>{"bent", "good", "scratched"});
    CHECK(read_class_names(images.folder.path()) == images.load().class_names);
    CHECK(reason([&] {
              (void)images.load(Part::train, {2, 0});
          }).find("no train image of the classes scratched,bent;") != std::string::npos);
    // A number among names counts as a name.
    const Images mixed{{"7/1.png", 1}, {"cat/1.png", 2}, {"99999999999/1.png", 3}};
    CHECK(mixed.load().labels == Values{0, 1, 2});
    CHECK(mixed.load().class_names == std::vector<std::string>{"7", "99999999999", "cat"});
}

TEST_CASE("image folder: train and test, one labelled and one not, or one only") {
    const Images images{{"train/3/a.png", 1}, {"test/b.png", 2}, {"test/a.png", 3}, {"preview.png", 4}};
    CHECK(images.values(Part::train) == Values{1});
    CHECK(images.load(Part::train).labels == Values{3});
    CHECK(images.values(Part::test) == Values{3, 2});
    CHECK(images.load(Part::test).labels.empty());
    const Images one{{"test/a.png", 5}};
    CHECK(one.values(Part::train) == Values{5});
}

TEST_CASE("image folder: what cannot be meant is refused in one line") {
    const Images both{{"a.png", 1}, {"cat/b.png", 2}};
    CHECK(both.refusal().find("holds images beside folders of images, such as cat; give one or the other") != std::string::npos);
    const Images none{};
    CHECK(none.refusal().find("holds no images that are understood; give a .npy or IDX file, or a folder") != std::string::npos);
    std::filesystem::create_directories(none.folder.path() / "train" / "deeper");
    CHECK(none.refusal().find("train: holds no images") != std::string::npos);
    none.add("train/deeper/still/a.png", 1);
    CHECK(none.refusal().find("train: holds no images") != std::string::npos);

    const Images large{{"a.png", 1}};
    write_grey_png(large.folder.path() / "b.png", 3, 2, 1);
    CHECK(large.refusal().find("b.png: the image is 3x2, the network's are 2x2") != std::string::npos);
    write_plain(large.folder.path() / "b.png", "");
    CHECK(large.refusal().find("b.png: ") != std::string::npos);
    write_plain(large.folder.path() / "b.png", "\xff\xd8\xff\xe0 JFIF");
    CHECK(large.refusal().find("b.png: Not a PNG file") != std::string::npos);
    std::filesystem::remove(large.folder.path() / "b.png");
    std::filesystem::create_symlink("nowhere", large.folder.path() / "b.png");
    CHECK(large.refusal().find("b.png: cannot be opened") != std::string::npos);
    std::filesystem::remove(large.folder.path() / "b.png");
    std::filesystem::create_symlink(".", large.folder.path() / "loop");  // a folder that contains itself
    CHECK(large.refusal().find("holds images beside folders of images") != std::string::npos);
}

TEST_CASE("image folder: one that may not be read is named" * doctest::skip(::geteuid() == 0)) {
    const Images images{{"cat/a.png", 1}};
    std::filesystem::permissions(images.folder.path() / "cat", std::filesystem::perms::none);
    CHECK(images.refusal().find("cat: cannot be read (Permission denied); check the folder") != std::string::npos);
    std::filesystem::permissions(images.folder.path() / "cat", std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace castnet::test

#include "train/data/data_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "train/files/error.h"

namespace castnet {

bool is_there(const std::filesystem::path &path) {
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

int label_of(float value, const std::filesystem::path &file) {
    constexpr float limit = 1U << 24U;  // from here on floats are more than 1 apart
    if (!(std::abs(value) < limit) || value != std::trunc(value))
        throw Error(fmt::format("{}: {} is not a label; labels are whole numbers below 2^24", file.string(), value));
    return static_cast<int>(value);
}

void check_labels(const std::filesystem::path &file, std::span<const std::size_t> shape, std::size_t images) {
    if (shape.size() != 1 || shape.front() != images)
        throw Error(fmt::format("{}: labels of shape ({}) do not match {} images; give one label for each", file.string(),
                                fmt::join(shape, ", "), images));
}

void check_finite(const std::filesystem::path &file, const Dataset &images) {
    for (std::size_t image = 0; image < images.size(); image += images.stride()) check_finite(file, images, image);
    images.release();
}

void check_finite(const std::filesystem::path &file, const Dataset &images, std::size_t image) {
    const std::span<const float> values = images.floats_of(image);
    const auto wrong = std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); });
    if (wrong == values.end()) return;
    const auto channels = static_cast<std::size_t>(images.shape.channels), width = static_cast<std::size_t>(images.shape.width);
    const auto place = static_cast<std::size_t>(wrong - values.begin()), pixel = place / channels;
    throw Error(fmt::format("{}: image {} holds {} at row {}, column {}, channel {}; give finite numbers", file.string(), image, *wrong,
                            pixel / width, pixel % width, place % channels));
}

void keep_classes(Dataset &images, std::span<const int> labels, std::span<const int> classes) {
    if (labels.empty() || classes.empty()) return;
    images.bytes = kept(images.bytes, images.shape.size(), labels, classes);
    images.floats = kept(images.floats, images.shape.size(), labels, classes);
    images.labels = kept(images.labels, 1, labels, classes);
}

bool is_kept(std::span<const int> labels, std::size_t image, std::span<const int> classes) {
    return labels.empty() || classes.empty() || std::ranges::find(classes, labels[image]) != classes.end();
}

}  // namespace castnet

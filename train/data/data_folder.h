// What all layouts of a data folder share.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "train/data/dataset.h"

namespace castnet {

/// What --data may be, for messages.
inline constexpr const char *accepted_data =
    "a .npy or IDX file, or a folder of IDX files under MNIST's names, of train.npy, or of PNG images";

/// Returns whether there is such a file or folder; false if that cannot be determined.
bool is_there(const std::filesystem::path &path);

/// Returns the part to read for `part`. The only part of a folder serves as both.
template <typename Holds>
Part available(Part part, Holds holds) {
    const Part other = part == Part::train ? Part::test : Part::train;
    return !holds(part) && holds(other) ? other : part;
}

/// Converts a number of the file to a label. Throws Error unless it is whole, and too small to be the rounding of a neighbour.
int label_of(float value, const std::filesystem::path &file);

/// Throws Error unless labels of that shape are one per image.
void check_labels(const std::filesystem::path &file, std::span<const std::size_t> shape, std::size_t images);

/// Throws Error, with the position, if a value of the images is infinite or NaN: of all, or of those that stand for all.
void check_finite(const std::filesystem::path &file, const Dataset &images);
/// Does the same for one image.
void check_finite(const std::filesystem::path &file, const Dataset &images, std::size_t image);

/// Returns whether an image is of one of the classes. Without labels, or without classes, every image counts.
bool is_kept(std::span<const int> labels, std::size_t image, std::span<const int> classes);

/// Returns the values of the images that are kept; each image has `per_image` of them.
template <typename All>
std::vector<typename All::value_type> kept(const All &values, std::size_t per_image, std::span<const int> labels,
                                           std::span<const int> classes) {
    std::vector<typename All::value_type> result;
    for (std::size_t image = 0; image < values.size() / per_image; image++) {
        const std::span of_image(values.data() + image * per_image, per_image);
        if (is_kept(labels, image, classes)) result.insert(result.end(), of_image.begin(), of_image.end());
    }
    return result;
}

/// Keeps the images whose `labels`, one per image, are of the classes. Without labels, or without classes, keeps all.
void keep_classes(Dataset &images, std::span<const int> labels, std::span<const int> classes);

}  // namespace castnet

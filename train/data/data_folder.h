// What the layouts of a data folder share.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "train/data/dataset.h"

namespace castnet {

/// What --data may be, for messages.
inline constexpr const char *accepted_data =
    "a .npy or IDX file, or a folder of IDX files under MNIST's names, of train.npy, or of PNG images";

/// Whether there is such a file or folder. False also where that cannot be found out.
bool is_there(const std::filesystem::path &path);

/// The part to read for `part`: a folder with one part only is both.
template <typename Holds>
Part available(Part part, Holds holds) {
    const Part other = part == Part::train ? Part::test : Part::train;
    return !holds(part) && holds(other) ? other : part;
}

/// The label that a number of the file stands for. Throws Error where it is not whole, or so large that a float may be a neighbour's.
int label_of(float value, const std::filesystem::path &file);

/// Throws Error unless labels of that shape are one for each image.
void check_labels(const std::filesystem::path &file, std::span<const std::size_t> shape, std::size_t images);

/// Throws Error, with the position, where a value of the images is infinite or NaN.
void check_finite(const std::filesystem::path &file, const Dataset &images);

/// Whether an image is among the classes. Without labels, or without classes, each is.
bool is_kept(std::span<const int> labels, std::size_t image, std::span<const int> classes);

/// Of values, as many for each image, those of the images that are kept.
template <typename Value>
std::vector<Value> kept(const std::vector<Value> &values, std::size_t per_image, std::span<const int> labels,
                        std::span<const int> classes) {
    std::vector<Value> result;
    for (std::size_t image = 0; image < values.size() / per_image; image++) {
        const auto of_image = std::span(values).subspan(image * per_image, per_image);
        if (is_kept(labels, image, classes)) result.insert(result.end(), of_image.begin(), of_image.end());
    }
    return result;
}

}  // namespace castnet

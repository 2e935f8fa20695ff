// Images in the form that a network reads, with or without labels.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/batch.h"
#include "runtime/description.h"
#include "runtime/random.h"
#include "train/data/values.h"

namespace castnet {

struct Dataset {
    Shape shape;
    // (image, height, width, channel), as in the file: bytes, which stand for [0, 1], or other numbers as floats. One of the two is empty.
    Values<std::uint8_t> bytes;
    Values<float> floats;
    std::vector<int> labels;                    ///< one per image, or none
    std::vector<std::string> class_names = {};  ///< of the labels 0, 1, …; none if labels are numbers
    std::filesystem::path missing_labels = {};  ///< the file that would hold the labels, if there is none

    [[nodiscard]] std::size_t size() const { return (bytes.size() + floats.size()) / shape.size(); }
    [[nodiscard]] ImageView images() const {
        return floats.empty() ? ImageView(bytes.data(), shape.size()) : ImageView(floats.data(), shape.size());
    }
    /// Returns the floats of an image; none if the images are bytes.
    [[nodiscard]] std::span<const float> floats_of(std::size_t image) const {
        const std::span<const float> all = floats;
        return all.empty() ? all : all.subspan(image * shape.size(), shape.size());
    }
    /// Returns how far apart images are that stand for all, where looking at each would take too long: 1 for data that was read, so that
    /// none is left out.
    [[nodiscard]] std::size_t stride() const {
        constexpr std::size_t looked_at = 4096;
        return bytes.is_mapped() || floats.is_mapped() ? std::max<std::size_t>(size() / looked_at, 1) : 1;
    }
    /// Lets go of the memory of mapped images.
    void release() const noexcept {
        bytes.release();
        floats.release();
    }
    /// Returns the images at `indices`, one after the other, as floats. Lets go of mapped memory.
    [[nodiscard]] std::vector<float> gather(std::span<const std::uint32_t> indices) const;
};

/// Returns the name of the label's class, or the number itself if classes have no names.
std::string label_name(const std::vector<std::string> &class_names, int label);

/// Returns the label of that name, or nothing.
std::optional<int> find_label(const std::vector<std::string> &class_names, const std::string &name);

enum class Part { train, test };

std::string to_string(Part part);

/// Reads the images of one part, and their labels if there are any. `data` is a folder of IDX files (idx_folder.h), of train.npy
/// (npy_folder.h) or of PNG images (image_folder.h), or one .npy or IDX file. A file, or the only part of a folder, serves as both parts.
/// Keeps the images of `classes`, or all if that is empty or there are no labels. Throws Error, also if the images do not have `shape` or
/// the labels do not match them.
Dataset load_dataset(const std::filesystem::path &data, Part part, const Shape &shape, const std::vector<int> &classes);

/// Throws Error if the part has no image of the classes.
void check_not_empty(const Dataset &dataset, const std::filesystem::path &data, Part part, const std::vector<int> &classes);

/// Returns the names of the data's classes, in the order of their labels; none if labels are numbers or missing. Throws Error.
std::vector<std::string> read_class_names(const std::filesystem::path &data);

/// Returns the path of the data: `option` if given, else $CASTNET_DATA, else the cache that bootstrap.sh fills with MNIST or its
/// substitute. Throws Error if there is none.
std::filesystem::path find_data(const std::string &option);

/// Returns where bootstrap.sh puts Fashion-MNIST if MNIST cannot be downloaded.
std::filesystem::path substitute_data();

/// Returns 0 … count - 1.
std::vector<std::uint32_t> all_indices(std::size_t count);

/// Returns round(fraction · count), for fractions from 0 to 1.
std::size_t part_of(std::size_t count, double fraction);

/// Splits off a random part_of(count, fraction) of each label's images, or of all images without labels. Returns the indices of {the rest,
/// those split off}.
std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> split_stratified(const Dataset &dataset, double fraction, Random &random);

}  // namespace castnet

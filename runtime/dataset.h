// Images in memory, as a network reads them, labelled or not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/batch.h"
#include "runtime/description.h"
#include "runtime/random.h"

namespace castnet {

struct Dataset {
    Shape shape;
    // (image, height, width, channel), as the file holds them: bytes, which stand for [0, 1], or other numbers as floats. One is empty.
    std::vector<std::uint8_t> bytes;
    std::vector<float> floats;
    std::vector<int> labels;  ///< one for each image, or none

    [[nodiscard]] std::size_t size() const { return (bytes.size() + floats.size()) / shape.size(); }
    [[nodiscard]] ImageView images() const {
        return floats.empty() ? ImageView(bytes.data(), shape.size()) : ImageView(floats.data(), shape.size());
    }
    /// Those images, one after the other, as floats.
    [[nodiscard]] std::vector<float> gather(std::span<const std::uint32_t> indices) const;
};

enum class Part { train, test };

std::string to_string(Part part);

/// Reads the images of one part, and their labels where there are some, from a folder of IDX files (idx_folder.h), of train.npy
/// (npy_folder.h) or of PNG images (image_folder.h), or from a .npy file, which is both parts; a part that a folder lacks is the other
/// one. Keeps the images of `classes`, or all when that is empty or there are no labels. Throws Error: also if the images do not have
/// `shape`, or the labels do not match them.
Dataset load_dataset(const std::filesystem::path &data, Part part, const Shape &shape, const std::vector<int> &classes);

/// Where the data is: `option` if given, else $CASTNET_DATA, else the cache that bootstrap.sh fills. Throws Error if there is none.
std::filesystem::path find_data(const std::string &option);

/// 0 … count - 1.
std::vector<std::uint32_t> all_indices(std::size_t count);

/// round(fraction · count), for fractions from 0 to 1.
std::size_t part_of(std::size_t count, double fraction);

/// Splits off part_of(count, fraction) of each label's images, or of all where there are no labels, drawn by `random`: the indices of {the
/// rest, those split off}.
std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> split_stratified(const Dataset &dataset, double fraction, Random &random);

}  // namespace castnet

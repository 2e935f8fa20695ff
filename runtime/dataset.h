// Labelled images in memory, as a network reads them.
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
    std::vector<int> labels;

    [[nodiscard]] std::size_t size() const { return labels.size(); }
    [[nodiscard]] ImageView images() const {
        return floats.empty() ? ImageView(bytes.data(), shape.size()) : ImageView(floats.data(), shape.size());
    }
    /// Those images, one after the other, as floats.
    [[nodiscard]] std::vector<float> gather(std::span<const std::uint32_t> indices) const;
};

enum class Part { train, test };

/// Reads the images and labels of one part from `folder`, under MNIST's names with or without .gz, and keeps those of `classes`, or all
/// when it is empty. Throws Error: also if the images do not have `shape`, or the labels do not match them.
Dataset load_dataset(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

/// The folder of the data: `option` if given, else $CASTNET_DATA, else the cache that bootstrap.sh fills. Throws Error if there is none.
std::filesystem::path find_data_folder(const std::string &option);

/// 0 … count - 1.
std::vector<std::uint32_t> all_indices(std::size_t count);

/// Splits off round(fraction · count) of each label's images, drawn by `random`: the indices of {the rest, those split off}.
std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> split_stratified(const std::vector<int> &labels, double fraction,
                                                                                   Random &random);

}  // namespace castnet

// Labelled images in memory, as a network reads them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtime/description.h"
#include "runtime/random.h"

namespace castnet {

struct Dataset {
    Shape shape;
    std::vector<float> images;  ///< (image, height, width, channel); bytes have been scaled to [0, 1]
    std::vector<int> labels;

    [[nodiscard]] std::size_t size() const { return labels.size(); }
    [[nodiscard]] std::span<const float> image(std::size_t index) const {
        return std::span(images).subspan(index * shape.size(), shape.size());
    }
};

enum class Part { train, test };

/// Reads the images and labels of one part from `folder`, under MNIST's names with or without .gz, and keeps those of `classes`, or all
/// when it is empty. Throws Error: also if the images do not have `shape`, or the labels do not match them.
Dataset load_dataset(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes);

/// The folder of the data: `option` if given, else $CASTNET_DATA, else the cache that bootstrap.sh fills. Throws Error if there is none.
std::filesystem::path find_data_folder(const std::string &option);

/// Splits off round(fraction · count) of each label's images, drawn by `random`: {rest, split off}.
std::pair<Dataset, Dataset> split_stratified(const Dataset &dataset, double fraction, Random &random);

}  // namespace castnet

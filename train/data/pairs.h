// Images and what a network is to make of them: themselves, or targets of their own.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "runtime/batch.h"
#include "train/data/dataset.h"

namespace castnet {

struct Pairs {
    Dataset images;
    std::optional<Dataset> targets = {};  ///< one for each image; without them the images themselves
    Corruption corruption = {};           ///< of what the network sees of the images

    [[nodiscard]] std::size_t size() const { return images.size(); }
    [[nodiscard]] Examples examples() const {
        return {.images = images.images(), .targets = (targets ? *targets : images).images(), .corruption = corruption};
    }
    /// Lets go of the memory of mapped images.
    void release() const noexcept {
        images.release();
        if (targets) targets->release();
    }
    /// Return what the network sees of the images at `indices`, and what it is to make of them: one after the other, as floats.
    [[nodiscard]] std::vector<float> inputs_at(std::span<const std::uint32_t> indices) const;
    [[nodiscard]] std::vector<float> targets_at(std::span<const std::uint32_t> indices) const;
};

/// Pairs images with the targets of the same part at `path`, if there is one: a file or folder of grids of `shape`, as load_dataset() reads
/// them, in the images' order. Throws Error, also if there are not as many targets as images.
Pairs pair(Dataset images, const std::filesystem::path &path, Part part, const Shape &shape);

/// Loads images as load_dataset() does, and their targets, if `targets` is not empty; the images' labels choose both. Throws Error.
Pairs load_pairs(const std::filesystem::path &data, const std::filesystem::path &targets, Part part, const NetworkDescription &network,
                 const std::vector<int> &classes);

/// Returns whether there is a loss: not if the network's output has another shape than the images and there are no targets.
bool has_targets(const Pairs &pairs, const NetworkDescription &network);

/// Throws Error unless has_targets().
void check_targets(const Pairs &pairs, const NetworkDescription &network);

/// Returns that corruption of the images' own range. Its key is that of every evaluation, and of no epoch of a run.
Corruption corruption_of(const Dataset &images, float noise, float mask);

}  // namespace castnet

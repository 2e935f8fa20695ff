// The images of a step and their targets: where they lie, and how a shard reads them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/corruption.h"

namespace castnet {

/// A view of contiguous images: floats, or bytes that stand for value / 255.
class ImageView {
public:
    ImageView() = default;
    /// `elements`: values per image.
    ImageView(const float *values, std::size_t elements) : floats_(values), elements_(elements) {}
    ImageView(const std::uint8_t *values, std::size_t elements) : bytes_(values), elements_(elements) {}

    [[nodiscard]] std::size_t elements() const { return elements_; }
    /// Copies image `index` to `out` as floats.
    void copy(std::size_t index, float *out) const noexcept {
        if (bytes_ == nullptr) {
            std::copy_n(floats_ + index * elements_, elements_, out);
        } else {
            std::transform(bytes_ + index * elements_, bytes_ + (index + 1) * elements_, out,
                           [](std::uint8_t byte) { return static_cast<float>(byte) / 255.0F; });
        }
    }

    /// Returns whether both are views of the same images.
    bool operator==(const ImageView &) const = default;

private:
    const float *floats_ = nullptr;
    const std::uint8_t *bytes_ = nullptr;
    std::size_t elements_ = 0;
};

/// Images, what a network is to make of each, and what they lose before it sees them.
struct Examples {
    ImageView images, targets;  ///< the same view twice if the images are to be reproduced
    Corruption corruption{};

    /// Returns whether the network sees its targets themselves.
    [[nodiscard]] bool reproduce() const { return images == targets && !corruption.is_on(); }
    /// Copies what the network sees of image `index` to `out`.
    void copy_input(std::size_t index, float *out) const noexcept {
        images.copy(index, out);
        if (corruption.is_on()) corruption.apply(index, std::span(out, images.elements()));
    }
};

/// What a network learns in a step: to map inputs to targets.
struct Batch {
    int images = 0;
    const float *inputs = nullptr, *targets = nullptr;  ///< dense (images, H, W, C); null if `examples` hold them
    Examples examples;
    const std::uint32_t *indices = nullptr;  ///< the batch's images among the examples
    std::uint32_t wishes = 0;  ///< what this process asks of all that train together, bit by bit: the result has all of theirs

    /// Returns a batch of `images` inputs and their targets.
    static Batch of(std::span<const float> inputs, std::span<const float> targets, int images) {
        return {.images = images, .inputs = inputs.data(), .targets = targets.data(), .examples = {}, .indices = nullptr};
    }
    /// Returns a batch of the examples at `indices`.
    static Batch of(const Examples &examples, std::span<const std::uint32_t> indices) {
        return {.images = static_cast<int>(indices.size()), .examples = examples, .indices = indices.data()};
    }
};

}  // namespace castnet

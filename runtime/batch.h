// The images of a step: where they lie, and how a shard reads them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace castnet {

/// A view of contiguous images: floats, or bytes that stand for value / 255.
class ImageView {
public:
    ImageView() = default;
    /// `elements`: values per image.
    ImageView(const float *values, std::size_t elements) : floats_(values), elements_(elements) {}
    ImageView(const std::uint8_t *values, std::size_t elements) : bytes_(values), elements_(elements) {}

    /// Copies image `index` to `out` as floats.
    void copy(std::size_t index, float *out) const noexcept {
        if (bytes_ == nullptr) {
            std::copy_n(floats_ + index * elements_, elements_, out);
        } else {
            std::transform(bytes_ + index * elements_, bytes_ + (index + 1) * elements_, out,
                           [](std::uint8_t byte) { return static_cast<float>(byte) / 255.0F; });
        }
    }

private:
    const float *floats_ = nullptr;
    const std::uint8_t *bytes_ = nullptr;
    std::size_t elements_ = 0;
};

/// What a network learns in a step: to map inputs to targets.
struct Batch {
    int images = 0;
    const float *inputs = nullptr, *targets = nullptr;  ///< dense (images, H, W, C); null if `store` holds them
    ImageView store;                                    ///< images to be reproduced
    const std::uint32_t *indices = nullptr;             ///< the batch's images in the store

    /// Returns a batch of `images` inputs and their targets.
    static Batch of(std::span<const float> inputs, std::span<const float> targets, int images) {
        return {.images = images, .inputs = inputs.data(), .targets = targets.data(), .store = {}, .indices = nullptr};
    }
    /// Returns a batch that reproduces these images of the store.
    static Batch of(const ImageView &store, std::span<const std::uint32_t> indices) {
        return {.images = static_cast<int>(indices.size()), .store = store, .indices = indices.data()};
    }
};

}  // namespace castnet

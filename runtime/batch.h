// The images of a step: where they lie, and how a shard reads them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace castnet {

/// Images in memory, one after the other: floats, or bytes that stand for value / 255.
class ImageView {
public:
    ImageView() = default;
    /// `elements` an image.
    ImageView(const float *values, std::size_t elements) : floats_(values), elements_(elements) {}
    ImageView(const std::uint8_t *values, std::size_t elements) : bytes_(values), elements_(elements) {}

    /// Image `index` as floats.
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

/// What a network shall learn in a step: to map inputs to targets.
struct Batch {
    int images = 0;
    const float *inputs = nullptr, *targets = nullptr;  ///< (images, H, W, C), dense; or, where null,
    ImageView store;                                    ///< images, of which
    const std::uint32_t *indices = nullptr;             ///< these are inputs and targets both

    /// Inputs and targets of `images` images.
    static Batch of(std::span<const float> inputs, std::span<const float> targets, int images) {
        return {.images = images, .inputs = inputs.data(), .targets = targets.data(), .store = {}, .indices = nullptr};
    }
    /// Those images of the store, to be reproduced.
    static Batch of(const ImageView &store, std::span<const std::uint32_t> indices) {
        return {.images = static_cast<int>(indices.size()), .store = store, .indices = indices.data()};
    }
};

}  // namespace castnet

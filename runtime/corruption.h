// What images lose before a network sees them, so that it learns to restore them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace castnet {

/// Noise and lost pixels. What an image draws follows from the key and the image's index alone, whatever is drawn before it.
struct Corruption {
    float noise = 0;            ///< standard deviation of normal noise, after which an element is clipped to least … most
    float mask = 0;             ///< probability with which a pixel becomes 0 in all its channels
    float least = 0, most = 1;  ///< the range of the data
    int channels = 1;           ///< of a pixel
    std::uint64_t key = 0;      ///< chooses the draw: every epoch has its own

    /// Returns one of the keys that follow from another: an epoch's from a run's seed, an image's from its epoch's.
    static std::uint64_t key_of(std::uint64_t key, std::uint64_t number) noexcept;

    [[nodiscard]] bool is_on() const { return noise > 0 || mask > 0; }
    /// Corrupts the elements of image `index`: the noise comes first.
    void apply(std::size_t index, std::span<float> image) const noexcept;

    bool operator==(const Corruption &) const = default;
};

}  // namespace castnet

// All randomness: one seeded generator whose whole state is one number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/network.h"

namespace castnet {

/// SplitMix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators", figure 17): a counter and a mixing function.
class Random {
public:
    explicit Random(std::uint64_t state) : state_(state) {}

    [[nodiscard]] std::uint64_t state() const { return state_; }
    std::uint64_t next();
    /// Returns a number uniform in [0, bound), without bias (Lemire 2019, "Fast random integer generation in an interval"). bound > 0.
    std::uint32_t below(std::uint32_t bound);
    /// Returns a number uniform in [0, 1): 24 bits, exactly representable.
    float uniform() { return static_cast<float>(next() >> 40U) * 0x1p-24F; }

private:
    std::uint64_t state_;
};

/// Shuffles the values (Fisher & Yates); every order is equally likely.
void shuffle(std::span<std::uint32_t> values, Random &random);

/// Draws what shuffling so many values would, so that what is drawn after it is the same without the shuffle.
void skip_shuffle(std::size_t values, Random &random);

/// Sets Keras's initial weights: kernels uniform in ±√(6 / (fan_in + fan_out)), where a fan is kernel area · channels (Glorot & Bengio
/// 2010, equation 16), and zero biases.
int glorot_uniform(Network &network, Random &random);

}  // namespace castnet

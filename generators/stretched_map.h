// The map that a conv2d makes together with the upsample before it, and the kernels of both.
//
// An upsample by s repeats each number s times, and a conv2d with k taps sums the repeated ones:
//
//     Σ_t kernel(t) · from(⌊(y + t - pad) / s⌋)  =  Σ_i from(i) · stretched(y - s·i + k - 1 - pad),
//     stretched(u) = Σ_{0 ≤ j < s} kernel(k - 1 - u + j),  0 ≤ u < k + s - 1.
//
// So the two are a conv2d_transpose with stride s. Its large grid is the conv2d's output, and its kernel has the channels the other way.
#pragma once

#include "contraction.h"
#include "register_tile.h"

namespace castnet {

/// The map's geometry, and the kernels that belong to it.
template <typename Derived>
class StretchedMap : public BilinearMap<Derived> {
protected:
    using Base = BilinearMap<Derived>;
    using Base::kernel_height, Base::kernel_width, Base::large_channels, Base::small_channels, Base::stride_x, Base::stride_y;
    const Halide::Var sc{"sc"}, lc{"lc"}, x{"x"}, y{"y"};

    int own_width() const { return int(kernel_width) - int(stride_x) + 1; }
    int own_height() const { return int(kernel_height) - int(stride_y) + 1; }
    /// Of the conv2d, whose large grid is the map's small one.
    std::vector<int> own_shape() const { return {large_channels, small_channels, own_width(), own_height()}; }
    std::vector<int> stretched_shape() const { return {small_channels, large_channels, kernel_width, kernel_height}; }
    Halide::RDom taps() const { return Halide::RDom(0, int(stride_x), 0, int(stride_y)); }

    int lanes_of(int channels) const { return lanes_within(channels, this->natural_lanes()); }
};

}  // namespace castnet

// One dimension of a layer: how the extents of its two grids follow from kernel, stride and padding.
#pragma once

#include <algorithm>

namespace castnet {

enum class PaddingMode {
    valid,    ///< no zeros
    same,     ///< Keras's: as many zeros as ceil(large / stride) windows need, the odd one after
    numbers,  ///< PyTorch's and ONNX's: `before` and `after`
};

/// A window that slides over the large grid, with a product at each cell of the small one.
struct Window {
    int kernel = 1, stride = 1;
    PaddingMode padding = PaddingMode::valid;
    int before = 0, after = 0;  ///< zeros, where padding is numbers

    /// The extent that conv2d makes of `large`; 0 where the kernel is larger than the grid with its zeros. Keras's
    /// compute_conv_output_shape(), and PyTorch's formula of Conv2d.
    [[nodiscard]] constexpr int small_extent(int large) const {
        if (padding == PaddingMode::same) return (large + stride - 1) / stride;
        const int padded = large + before + after;
        return padded < kernel ? 0 : (padded - kernel) / stride + 1;
    }

    /// The extent that conv2d_transpose makes of `small` by itself; below 1 where the padding takes all. Keras's
    /// compute_conv_transpose_output_shape(), and with numbers PyTorch's formula of ConvTranspose2d.
    [[nodiscard]] constexpr int large_extent(int small) const {
        if (padding == PaddingMode::same) return small * stride;
        if (padding == PaddingMode::valid) return small * stride + std::max(kernel - stride, 0);
        return (small - 1) * stride + kernel - before - after;
    }

    /// The largest extent of which conv2d makes `small`: conv2d_transpose may make it and the stride - 1 below it.
    [[nodiscard]] constexpr int most_large_extent(int small) const {
        if (padding == PaddingMode::same) return small * stride;
        return (small - 1) * stride + kernel - before - after + stride - 1;
    }
    [[nodiscard]] constexpr int least_large_extent(int small) const { return std::max(1, most_large_extent(small) - stride + 1); }

    /// The zeros before the first cell of the large grid.
    [[nodiscard]] constexpr int zeros_before(int large, int small) const {
        if (padding != PaddingMode::same) return before;
        return std::max(0, (small - 1) * stride + kernel - large) / 2;
    }
};

}  // namespace castnet

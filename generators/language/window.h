// One dimension of a layer: how the extents of its two grids follow from kernel, stride and padding.
#pragma once

#include <algorithm>

namespace castnet {

enum class PaddingMode {
    valid,    ///< no zeros
    same,     ///< Keras's: zeros for ceil(large / stride) windows, the odd one after
    numbers,  ///< PyTorch's and ONNX's: `before` and `after`
};

/// A window that slides over the large grid. Each of its positions is a cell of the small grid.
struct Window {
    int kernel = 1, stride = 1;
    PaddingMode padding = PaddingMode::valid;
    int before = 0, after = 0;  ///< zeros, if padding is numbers

    /// Returns conv2d's output extent for `large`; 0 if the kernel is larger than the padded grid. Keras's compute_conv_output_shape(), and
    /// PyTorch's formula of Conv2d.
    [[nodiscard]] constexpr int small_extent(int large) const {
        if (padding == PaddingMode::same) return (large + stride - 1) / stride;
        const int padded = large + before + after;
        return padded < kernel ? 0 : (padded - kernel) / stride + 1;
    }

    /// Returns conv2d_transpose's default output extent for `small`; below 1 if the padding takes all. Keras's
    /// compute_conv_transpose_output_shape(), and with numbers PyTorch's formula of ConvTranspose2d.
    [[nodiscard]] constexpr int large_extent(int small) const {
        if (padding == PaddingMode::same) return small * stride;
        if (padding == PaddingMode::valid) return small * stride + std::max(kernel - stride, 0);
        return (small - 1) * stride + kernel - before - after;
    }

    /// Returns the largest extent from which conv2d makes `small`. conv2d_transpose may make it, or any of the stride - 1 below it.
    [[nodiscard]] constexpr int most_large_extent(int small) const {
        if (padding == PaddingMode::same) return small * stride;
        return (small - 1) * stride + kernel - before - after + stride - 1;
    }
    [[nodiscard]] constexpr int least_large_extent(int small) const { return std::max(1, most_large_extent(small) - stride + 1); }

    /// Returns the zeros before the first cell of the large grid.
    [[nodiscard]] constexpr int zeros_before(int large, int small) const {
        if (padding != PaddingMode::same) return before;
        return std::max(0, (small - 1) * stride + kernel - large) / 2;
    }
};

}  // namespace castnet

// A layer as a user writes it, with Keras's shape rules, and its naive reference.
#pragma once

#include <algorithm>
#include <string>

#include "generators/reference.h"

namespace castnet::test {

using reference::activate;
using reference::activation_gradient;
using reference::Shape;

/// A layer as a user writes it.
struct Layer {
    bool transpose = false;
    Shape input;
    int filters = 1;
    int kernel_height = 1, kernel_width = 1;
    int stride_y = 1, stride_x = 1;
    bool same = false;

    /// Keras: conv same ⌈in/stride⌉, valid ⌊(in-kernel)/stride⌋+1; transpose same in·stride, valid in·stride+max(kernel-stride, 0).
    Shape output() const {
        const auto extent = [this](int in, int kernel, int stride) {
            if (transpose) return in * stride + (same ? 0 : std::max(kernel - stride, 0));
            return same ? (in + stride - 1) / stride : (in - kernel) / stride + 1;
        };
        return {extent(input.height, kernel_height, stride_y), extent(input.width, kernel_width, stride_x), filters};
    }
    Shape large() const { return transpose ? output() : input; }
    Shape small() const { return transpose ? input : output(); }

    /// Zeros before the first row (or column): half of what `same` needs in all, the odd one after.
    static int pad_before(bool same, int large, int small, int kernel, int stride) {
        return same ? std::max((small - 1) * stride + kernel - large, 0) / 2 : 0;
    }
    int pad_y() const { return pad_before(same, large().height, small().height, kernel_height, stride_y); }
    int pad_x() const { return pad_before(same, large().width, small().width, kernel_width, stride_x); }

    std::size_t kernel_size() const {
        return std::size_t(kernel_height) * std::size_t(kernel_width) * std::size_t(input.channels) * std::size_t(filters);
    }

    reference::Geometry geometry() const { return {large(), small(), kernel_height, kernel_width, stride_y, stride_x, pad_y(), pad_x()}; }

    /// Calls visit(large index, small index, kernel index) for every product of the bilinear map, of one image.
    template <typename Visit>
    void for_each_product(const Visit &visit) const {
        geometry().for_each_product(visit);
    }

    std::string describe() const {
        const auto by = [](int a, int b) { return std::to_string(a) + "x" + std::to_string(b); };
        return std::string(transpose ? "conv2d_transpose " : "conv2d ") + by(input.height, input.width) + "x" +
               std::to_string(input.channels) + " filters=" + std::to_string(filters) + " kernel=" + by(kernel_height, kernel_width) +
               " stride=" + by(stride_y, stride_x) + " padding=" + (same ? "same" : "valid");
    }
};

}  // namespace castnet::test

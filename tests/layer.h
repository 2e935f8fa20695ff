// Keras's shape rules and the naive reference of a layer, in double and as the formula says: what every pipeline is compared with.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace castnet::test {

struct Shape {
    int height = 1, width = 1, channels = 1;
    std::size_t size() const { return std::size_t(height) * std::size_t(width) * std::size_t(channels); }
    bool operator==(const Shape &) const = default;
};

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

    /// Calls visit(large index, small index, kernel index) for every product of the bilinear map, of one image.
    template <typename Visit>
    void for_each_product(const Visit &visit) const {
        const Shape l = large(), s = small();
        for (int y = 0; y < s.height; y++) {
            for (int x = 0; x < s.width; x++) {
                for (int ky = 0; ky < kernel_height; ky++) {
                    for (int kx = 0; kx < kernel_width; kx++) {
                        const int ly = y * stride_y + ky - pad_y();
                        const int lx = x * stride_x + kx - pad_x();
                        if (ly < 0 || ly >= l.height || lx < 0 || lx >= l.width) continue;
                        for (int lc = 0; lc < l.channels; lc++) {
                            for (int sc = 0; sc < s.channels; sc++) {
                                visit(std::size_t((ly * l.width + lx) * l.channels + lc), std::size_t((y * s.width + x) * s.channels + sc),
                                      std::size_t(((ky * kernel_width + kx) * l.channels + lc) * s.channels + sc));
                            }
                        }
                    }
                }
            }
        }
    }

    std::string describe() const {
        const auto by = [](int a, int b) { return std::to_string(a) + "x" + std::to_string(b); };
        return std::string(transpose ? "conv2d_transpose " : "conv2d ") + by(input.height, input.width) + "x" +
               std::to_string(input.channels) + " filters=" + std::to_string(filters) + " kernel=" + by(kernel_height, kernel_width) +
               " stride=" + by(stride_y, stride_x) + " padding=" + (same ? "same" : "valid");
    }
};

/// activation(z) over a grid whose innermost dimension is `channels`, in place.
inline void activate(const std::string &activation, std::vector<double> &z, int channels) {
    if (activation == "softmax") {
        for (auto pixel = z.begin(); pixel != z.end(); pixel += channels) {
            const double largest = *std::max_element(pixel, pixel + channels);
            double total = 0;
            for (auto value = pixel; value != pixel + channels; ++value) total += *value = std::exp(*value - largest);
            for (auto value = pixel; value != pixel + channels; ++value) *value /= total;
        }
        return;
    }
    for (double &value : z) {
        if (activation == "relu") value = std::max(value, 0.0);
        if (activation == "sigmoid") value = 1 / (1 + std::exp(-value));
        if (activation == "tanh") value = std::tanh(value);
    }
}

/// dL/dz in place of g = dL/dy, given y = activation(z).
inline void activation_gradient(const std::string &activation, std::vector<double> &g, const std::vector<double> &y, int channels) {
    for (std::size_t pixel = 0; pixel < g.size(); pixel += std::size_t(channels)) {
        double projection = 0;
        for (std::size_t i = pixel; i < pixel + std::size_t(channels); i++) projection += g[i] * y[i];
        for (std::size_t i = pixel; i < pixel + std::size_t(channels); i++) {
            if (activation == "relu" && y[i] <= 0) g[i] = 0;
            if (activation == "sigmoid") g[i] *= y[i] * (1 - y[i]);
            if (activation == "tanh") g[i] *= 1 - y[i] * y[i];
            if (activation == "softmax") g[i] = y[i] * (g[i] - projection);
        }
    }
}

}  // namespace castnet::test

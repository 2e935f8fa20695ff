// The naive reference: the bilinear map of contraction.h and its epilogues, in double and as the formulas say. Every pipeline is compared
// with it, in the tests and before a schedule may be chosen.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <vector>

#include "generators/language/function.h"
#include "runtime/description.h"

namespace castnet::reference {

using castnet::Geometry, castnet::Shape;

/// Calls visit(large index, small index, kernel index) for every product of two pixels' channels.
template <typename Visit>
void for_each_channel(const Geometry &map, int large_pixel, int small_pixel, int tap, const Visit &visit) {
    for (int lc = 0; lc < map.large.channels; lc++) {
        for (int sc = 0; sc < map.small.channels; sc++) {
            visit(static_cast<std::size_t>(large_pixel * map.large.channels + lc),
                  static_cast<std::size_t>(small_pixel * map.small.channels + sc),
                  static_cast<std::size_t>((tap * map.large.channels + lc) * map.small.channels + sc));
        }
    }
}

/// Calls visit(large index, small index, kernel index) for every product of the bilinear map, of one image. The kernel is
/// (ky, kx, large channel, small channel) in C order.
template <typename Visit>
void for_each_product(const Geometry &map, const Visit &visit) {
    for (int y = 0; y < map.small.height; y++) {
        for (int x = 0; x < map.small.width; x++) {
            for (int ky = 0; ky < map.kernel_height; ky++) {
                for (int kx = 0; kx < map.kernel_width; kx++) {
                    const int row = y * map.stride_y + ky - map.pad_y, column = x * map.stride_x + kx - map.pad_x;
                    if (row < 0 || row >= map.large.height || column < 0 || column >= map.large.width) continue;
                    const int large_pixel = row * map.large.width + column, small_pixel = y * map.small.width + x;
                    for_each_channel(map, large_pixel, small_pixel, ky * map.kernel_width + kx, visit);
                }
            }
        }
    }
}

inline double logistic(double z) {
    return 1 / (1 + std::exp(-z));
}

/// Φ(z), the normal distribution's share below z.
inline double normal_share(double z) {
    return (1 + std::erf(z / std::numbers::sqrt2)) / 2;
}

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
    const auto [name, parameter] = parse_function(activation, known_activations).value();
    for (double &value : z) {
        if (name == "relu") value = std::max(value, 0.0);
        if (name == "leaky_relu" && value < 0) value *= parameter;
        if (name == "elu" && value < 0) value = parameter * std::expm1(value);
        if (name == "softplus") value = std::max(value, 0.0) + std::log1p(std::exp(-std::abs(value)));
        if (name == "gelu") value *= normal_share(value);
        if (name == "silu") value *= logistic(value);
        if (name == "sigmoid") value = logistic(value);
        if (name == "tanh") value = std::tanh(value);
    }
}

/// The loss of one element y against its target t.
inline double loss(const std::string &text, double y, double t) {
    const auto [name, parameter] = parse_function(text, known_losses).value();
    const double r = std::abs(y - t), p = std::clamp(y, 1e-7, 1 - 1e-7);
    if (name == "mean_absolute_error") return r;
    if (name == "huber") return r <= parameter ? r * r / 2 : parameter * (r - parameter / 2);
    if (name == "binary_crossentropy") return -(t * std::log(p) + (1 - t) * std::log(1 - p));
    return r * r;
}

/// dL/dz in place of g = dL/dy, given what the layer keeps: y = activation(z), or z of gelu and silu.
inline void activation_gradient(const std::string &activation, std::vector<double> &g, const std::vector<double> &y, int channels) {
    const auto [name, parameter] = parse_function(activation, known_activations).value();
    for (std::size_t pixel = 0; pixel < g.size(); pixel += static_cast<std::size_t>(channels)) {
        double projection = 0;
        for (std::size_t i = pixel; i < pixel + static_cast<std::size_t>(channels); i++) projection += g[i] * y[i];
        for (std::size_t i = pixel; i < pixel + static_cast<std::size_t>(channels); i++) {
            if (name == "relu" && y[i] <= 0) g[i] = 0;
            if (name == "leaky_relu" && y[i] <= 0) g[i] *= parameter;
            if (name == "elu" && y[i] <= 0) g[i] *= y[i] + parameter;
            if (name == "gelu")
                g[i] *= normal_share(y[i]) + y[i] * std::exp(-y[i] * y[i] / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
            if (name == "silu") g[i] *= logistic(y[i]) * (1 + y[i] * (1 - logistic(y[i])));
            if (name == "softplus") g[i] *= -std::expm1(-y[i]);
            if (name == "sigmoid") g[i] *= y[i] * (1 - y[i]);
            if (name == "tanh") g[i] *= 1 - y[i] * y[i];
            if (name == "softmax") g[i] = y[i] * (g[i] - projection);
        }
    }
}

}  // namespace castnet::reference

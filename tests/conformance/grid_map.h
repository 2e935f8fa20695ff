// The naive reference of layers without weights.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/layer.h"

namespace castnet::test {

/// The cells of the small grid's axis that an upsampled cell is made of, with their weights.
inline std::vector<std::pair<int, double>> interpolated(bool is_bilinear, int cell, int factor, int small) {
    if (!is_bilinear) return {{cell / factor, 1.0}};
    const double centre = (cell + 0.5) / factor - 0.5, below = std::floor(centre);
    const auto inside = [&](double index) { return int(std::clamp(index, 0.0, small - 1.0)); };
    return {{inside(below), 1 - (centre - below)}, {inside(below + 1), centre - below}};
}

/// Returns the number that dropout draws, in the words of its generator.
inline std::uint32_t drawn(std::uint32_t key, std::uint32_t image, std::uint32_t element) {
    const auto draw = [](std::uint32_t state, std::uint32_t index) {
        std::uint32_t x = state + 0x9E3779B9U * index;
        x = (x ^ x >> 16U) * 0x7FEB352DU;
        x = (x ^ x >> 15U) * 0x846CA68BU;
        return x ^ x >> 16U;
    };
    return draw(draw(key, image), element);
}

/// Calls visit(input index, output index, weight) for every term of a layer without weights, on one image. Its output is the sum of the
/// terms.
template <typename Visit>
void for_each_term(const LayerDescription &layer, const std::vector<double> &input, const Visit &visit, const Draw &draw = {},
                   int image = 0) {
    const Shape in = layer.input, out = layer.output;
    const auto index = [](const Shape &shape, int y, int x, int c) { return std::size_t((y * shape.width + x) * shape.channels + c); };
    const auto visit_window = [&](int oy, int ox, int c) {
        std::vector<std::size_t> cells;  // inside the grid, row by row
        for (int ky = 0; ky < layer.kernel_height; ky++) {
            for (int kx = 0; kx < layer.kernel_width; kx++) {
                const int y = oy * layer.stride_y + ky - layer.pad_y, x = ox * layer.stride_x + kx - layer.pad_x;
                if (y >= 0 && y < in.height && x >= 0 && x < in.width) cells.push_back(index(in, y, x, c));
            }
        }
        const std::size_t o = index(out, oy, ox, c);
        if (layer.kind == LayerKind::max_pool)
            return visit(*std::ranges::max_element(cells, {}, [&](std::size_t cell) { return input[cell]; }), o, 1.0);
        for (const std::size_t cell : cells) visit(cell, o, 1.0 / double(cells.size()));
    };
    for (int y = 0; y < out.height; y++) {
        for (int x = 0; x < out.width; x++) {
            for (int c = 0; c < out.channels; c++) {
                const std::size_t o = index(out, y, x, c);
                if (layer.kind == LayerKind::dropout) {
                    const bool is_dropped = drawn(draw.key, std::uint32_t(draw.first_image + image), std::uint32_t(o)) < draw.threshold;
                    visit(o, o, is_dropped ? 0.0 : double(draw.scale));
                } else if (layer.kind == LayerKind::upsample) {
                    const bool is_bilinear = layer.interpolation == "bilinear";
                    for (const auto &[row, above] : interpolated(is_bilinear, y, layer.stride_y, in.height))
                        for (const auto &[column, left] : interpolated(is_bilinear, x, layer.stride_x, in.width))
                            visit(index(in, row, column, c), o, above * left);
                } else {
                    visit_window(y, x, c);
                }
            }
        }
    }
}

}  // namespace castnet::test

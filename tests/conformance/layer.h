// A layer as the network language reads it, and its naive reference. The formulas are independent of the compiler; which shapes and pads a
// layer has is the compiler's to say, and compiler/language_tests.cpp compares them with Keras's, PyTorch's and ONNX's.
#pragma once

#include <ranges>
#include <string>
#include <string_view>
#include <vector>

#include "generators/language/statement.h"
#include "generators/reference.h"

namespace castnet::test {

using reference::activate;
using reference::activation_gradient;

/// The layer of a statement, "conv2d filters=5 kernel=3", on the grids that it makes of the input. Throws Error where it makes none.
inline Layer read_layer(const std::string &text, const Shape &input) {
    std::vector<std::string_view> words;
    for (const auto word : std::views::split(std::string_view(text), ' ')) words.emplace_back(word.begin(), word.end());
    const LayerStatement statement = parse_layer(words);
    return {.statement = statement, .name = {}, .input = input, .output = output_shape(statement, input), .canonical = {}};
}

/// Calls visit(large index, small index, kernel index) for every product of the layer's bilinear map, of one image.
template <typename Visit>
void for_each_product(const LayerDescription &layer, const Visit &visit) {
    const reference::Geometry geometry{layer.large(),  layer.small(),  layer.kernel_height, layer.kernel_width,
                                       layer.stride_y, layer.stride_x, layer.pad_y,         layer.pad_x};
    geometry.for_each_product(visit);
}

}  // namespace castnet::test

// A layer as the network language reads it, and its naive reference. The formulas are independent of the compiler. Shapes and padding are
// the compiler's; compiler/language_tests.cpp compares them with Keras's, PyTorch's and ONNX's.
#pragma once

#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "generators/language/statement.h"
#include "generators/reference.h"

namespace castnet::test {

using reference::activate;
using reference::activation_gradient;

/// Reads a statement such as "conv2d filters=5 kernel=3" and places the layer on the input. Throws Error if it does not fit.
inline Layer read_layer(const std::string &text, const Shape &input) {
    std::istringstream stream(text);
    const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
    return place(parse_layer(std::vector<std::string_view>(words.begin(), words.end())), input);
}

/// Calls visit(large index, small index, kernel index) for every product of the layer's bilinear map, of one image. The large grid of a
/// layer that takes in an upsample is the upsampled one.
template <typename Visit>
void for_each_product(const LayerDescription &layer, const Visit &visit) {
    reference::for_each_product(layer.own_geometry(), visit);
}

}  // namespace castnet::test

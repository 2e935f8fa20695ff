#include "runtime/layer.h"

#include <array>

#include "runtime/arguments.h"

namespace castnet {
namespace {

Operand kernel_operand(const LayerDescription &layer, const float *data) {
    const auto [height, width, large, small] = layer.kernel_shape();
    return {data, {small, large, width, height}};
}

Operand transposed_operand(const LayerDescription &layer, const float *data) {
    const auto [height, width, large, small] = layer.kernel_shape();
    return {data, {large, small, width, height}};
}

/// The kernel as the pipeline of a pass reads it.
Operand kernel_operand(const LayerDescription &layer, const LayerWeights &weights, bool spreads) {
    return spreads ? transposed_operand(layer, weights.transposed) : kernel_operand(layer, weights.kernel);
}

}  // namespace

int forward(const LayerDescription &layer, const LayerWeights &weights, const float *input, float *output, int images) noexcept {
    const bool spreads = layer.kind == LayerKind::conv2d_transpose;
    return run(layer.forward, Operand(input, layer.input, images), kernel_operand(layer, weights, spreads),
               Operand(weights.bias, {layer.bias_size()}), Operand(output, layer.output, images));
}

int backward_data(const LayerDescription &layer, const LayerWeights &weights, const float *output_gradient, const float *input,
                  float *input_gradient, int images) noexcept {
    const bool spreads = layer.kind == LayerKind::conv2d;
    return run(layer.backward_data, Operand(output_gradient, layer.output, images), kernel_operand(layer, weights, spreads),
               Operand(input, layer.input, images), Operand(input_gradient, layer.input, images));
}

int backward_weights(const LayerDescription &layer, const LayerWeights &weights, const float *input, const float *output_gradient,
                     const LayerWeights &gradients, float decay, int images) noexcept {
    Operand in(input, layer.input, images), out(output_gradient, layer.output, images);
    const bool in_is_large = layer.kind == LayerKind::conv2d;
    Operand kernel = kernel_operand(layer, weights.kernel), kernel_gradient = kernel_operand(layer, gradients.kernel);
    Operand bias_gradient(gradients.bias, {layer.bias_size()});

    std::array<void *, 6> arguments{};
    std::size_t count = 0;
    arguments[count++] = argument(in_is_large ? in : out);
    arguments[count++] = argument(in_is_large ? out : in);
    if (layer.l2 > 0) {
        arguments[count++] = argument(kernel);
        arguments[count++] = argument(decay);
    }
    arguments[count++] = argument(kernel_gradient);
    arguments[count++] = argument(bias_gradient);
    return layer.backward_weights(arguments.data());
}

int transpose_kernel(const LayerDescription &layer, const LayerWeights &weights) noexcept {
    return run(layer.transpose_kernel, kernel_operand(layer, weights.kernel), transposed_operand(layer, weights.transposed));
}

}  // namespace castnet

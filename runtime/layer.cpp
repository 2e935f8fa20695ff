#include "runtime/layer.h"

#include "runtime/pipelines.h"

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

/// Returns the kernel as a pass reads it: transposed if it spreads.
Operand kernel_operand(const LayerDescription &layer, const LayerWeights &weights, bool spreads) {
    return spreads ? transposed_operand(layer, weights.transposed) : kernel_operand(layer, weights.kernel);
}

}  // namespace

int forward(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input, float *output, int images,
            const Draw &draw) noexcept {
    const bool is_transposed = layer.is_transposed();
    const Operand in(input, layer.input, images), out(output, layer.output, images);
    return layer.forward(failure, {.large = is_transposed ? out : in,
                                   .small = is_transposed ? in : out,
                                   .kernel = kernel_operand(layer, weights, is_transposed),
                                   .bias = Operand(weights.bias, {layer.bias_size()}),
                                   .from = in,
                                   .to = out,
                                   .key = draw.key,
                                   .threshold = draw.threshold,
                                   .first_image = draw.first_image,
                                   .scale = draw.scale});
}

int activate(Failure &failure, const LayerDescription &layer, const float *sums, float *output, int images) noexcept {
    if (!layer.keeps_sums) return 0;
    const std::size_t elements = layer.output.size() * static_cast<std::size_t>(images);
    return layer.activate(failure, {.sums = Operand(sums, {elements}), .output = Operand(output, {elements})});
}

int backward_data(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *output_gradient,
                  const float *input, const float *kept, float *input_gradient, int images, const Draw &draw) noexcept {
    const bool is_transposed = layer.is_transposed();
    const Operand in(input_gradient, layer.input, images), out(output_gradient, layer.output, images);
    return layer.backward_data(failure, {.large = is_transposed ? out : in,
                                         .small = is_transposed ? in : out,
                                         .kernel = kernel_operand(layer, weights, !is_transposed),
                                         .output = Operand(kept, layer.input, images),
                                         .input = Operand(input, layer.input, images),
                                         .from = out,
                                         .to = in,
                                         .key = draw.key,
                                         .threshold = draw.threshold,
                                         .first_image = draw.first_image,
                                         .scale = draw.scale});
}

int backward_weights(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input,
                     const float *output_gradient, const LayerWeights &gradients, float decay, int images) noexcept {
    const bool is_transposed = layer.is_transposed();
    const Operand in(input, layer.input, images), out(output_gradient, layer.output, images);
    return layer.backward_weights(failure, {.large = is_transposed ? out : in,
                                            .small = is_transposed ? in : out,
                                            .kernel = kernel_operand(layer, weights.kernel),
                                            .decay = decay,
                                            .gradient = kernel_operand(layer, gradients.kernel),
                                            .bias_gradient = Operand(gradients.bias, {layer.bias_size()})});
}

int transpose_kernel(Failure &failure, const LayerDescription &layer, const LayerWeights &weights) noexcept {
    return layer.transpose_kernel(
        failure, {.kernel = kernel_operand(layer, weights.kernel), .transposed = transposed_operand(layer, weights.transposed)});
}

}  // namespace castnet

#include "runtime/layer.h"

#include "runtime/pipelines.h"

namespace castnet {
namespace {

Operand kernel_operand(const Geometry &map, const float *data) {
    const auto [height, width, large, small] = map.kernel_shape();
    return {data, {small, large, width, height}};
}

Operand transposed_operand(const Geometry &map, const float *data) {
    const auto [height, width, large, small] = map.kernel_shape();
    return {data, {large, small, width, height}};
}

/// Returns the kernel of the layer's map: its own, or the stretched one, which stands behind the transposed one.
float *map_kernel(const LayerDescription &layer, const LayerWeights &weights) {
    return layer.takes_in_upsample() ? weights.prepared + ArenaLayout::padded(layer.map_kernel_size()) : weights.kernel;
}

/// Returns the map's kernel as a pass reads it: transposed if it spreads.
Operand kernel_operand(const LayerDescription &layer, const LayerWeights &weights, bool spreads) {
    const Geometry map = layer.geometry();
    return spreads ? transposed_operand(map, weights.prepared) : kernel_operand(map, map_kernel(layer, weights));
}

}  // namespace

int forward(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input, float *output, int images,
            const Draw &draw) noexcept {
    const Geometry map = layer.geometry();
    const Operand in(input, map.input(), images), out(output, layer.output, images);
    return layer.forward(failure, {.large = map.makes_large ? out : in,
                                   .small = map.makes_large ? in : out,
                                   .kernel = kernel_operand(layer, weights, map.makes_large),
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
    const Geometry map = layer.geometry();
    const Operand in(input_gradient, map.input(), images), out(output_gradient, layer.output, images);
    return layer.backward_data(failure, {.large = map.makes_large ? out : in,
                                         .small = map.makes_large ? in : out,
                                         .kernel = kernel_operand(layer, weights, !map.makes_large),
                                         .output = Operand(kept, map.input(), images),
                                         .input = Operand(input, map.input(), images),
                                         .from = out,
                                         .to = in,
                                         .key = draw.key,
                                         .threshold = draw.threshold,
                                         .first_image = draw.first_image,
                                         .scale = draw.scale});
}

int backward_weights(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input,
                     const float *output_gradient, const LayerWeights &gradients, float decay, float *scratch, int images) noexcept {
    const Geometry map = layer.geometry();
    const Operand in(input, map.input(), images), out(output_gradient, layer.output, images);
    const Operand kernel = kernel_operand(layer.own_geometry(), weights.kernel);
    const Operand gradient = kernel_operand(layer.own_geometry(), gradients.kernel), stretched = kernel_operand(map, scratch);
    const int error = layer.backward_weights(failure, {.large = map.makes_large ? out : in,
                                                       .small = map.makes_large ? in : out,
                                                       .kernel = kernel,
                                                       .decay = decay,
                                                       .gradient = layer.takes_in_upsample() ? stretched : gradient,
                                                       .bias_gradient = Operand(gradients.bias, {layer.bias_size()})});
    if (error != 0 || !layer.takes_in_upsample()) return error;
    return layer.fold_gradient(failure, {.stretched = stretched, .kernel = kernel, .decay = decay, .gradient = gradient});
}

int prepare_kernel(Failure &failure, const LayerDescription &layer, const LayerWeights &weights) noexcept {
    const Geometry map = layer.geometry();
    const Operand kernel = kernel_operand(map, map_kernel(layer, weights));
    if (layer.takes_in_upsample()) {
        const Operand own = kernel_operand(layer.own_geometry(), weights.kernel);
        if (const int error = layer.stretch_kernel(failure, {.kernel = own, .stretched = kernel}); error != 0) return error;
    }
    if (layer.transpose_kernel == nullptr) return 0;
    return layer.transpose_kernel(failure, {.kernel = kernel, .transposed = transposed_operand(map, weights.prepared)});
}

}  // namespace castnet

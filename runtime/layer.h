// One layer's pipelines with their operands: what a network chains, and a benchmark calls one by one.
#pragma once

#include "runtime/description.h"

namespace castnet {

/// One layer's parameters. `transposed` is the kernel as spread reads it, made by transpose_kernel(); null where the layer needs none.
struct LayerWeights {
    float *kernel = nullptr, *bias = nullptr, *transposed = nullptr;
};

// Each returns 0, or the code of Halide's error, whose message the failure keeps; none allocates or throws. Grids are dense, `images` of
// them.

/// output = activation(layer(input) + bias).
int forward(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input, float *output,
            int images) noexcept;

/// The gradient of the input before the previous layer's activation, from that of the output before this layer's. `input` is the previous
/// layer's output.
int backward_data(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *output_gradient,
                  const float *input, float *input_gradient, int images) noexcept;

/// The gradients of kernel and bias; `gradients.kernel` gets decay · kernel too where the layer has an l2, and lies on a
/// 64-byte boundary.
int backward_weights(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input,
                     const float *output_gradient, const LayerWeights &gradients, float decay, int images) noexcept;

int transpose_kernel(Failure &failure, const LayerDescription &layer, const LayerWeights &weights) noexcept;

}  // namespace castnet

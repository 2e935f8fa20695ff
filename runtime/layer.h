// One layer's pipelines with their operands. A network chains them; a benchmark calls them one by one.
#pragma once

#include <cstdint>

#include "runtime/description.h"

namespace castnet {

/// One layer's parameters. `transposed` is the kernel as spread reads it, made by transpose_kernel(); null if the layer needs none.
struct LayerWeights {
    float *kernel = nullptr, *bias = nullptr, *transposed = nullptr;
};

/// What dropout does to a shard's images: a number becomes 0 if what `key`, its image and its index draw is below `threshold`; the others
/// are multiplied by `scale`. By default it does nothing.
struct Draw {
    std::uint32_t key = 0, threshold = 0;
    std::int32_t first_image = 0;  ///< of the shard, in its batch
    float scale = 1;
};

// Each function returns 0 or Halide's error code; `failure` keeps the message. None allocates or throws. Grids are dense, with `images`
// images.

/// Computes output = activation(layer(input) + bias), or without the activation if the layer keeps sums.
int forward(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input, float *output, int images,
            const Draw &draw = {}) noexcept;

/// Computes the output of the sums if the layer keeps them; otherwise `output` is finished already. It may lie on the sums.
int activate(Failure &failure, const LayerDescription &layer, const float *sums, float *output, int images) noexcept;

/// Computes the input's gradient, before the previous layer's activation, from the output's, before this layer's. `kept` is what the
/// previous layer keeps: its sums, or its output, which is this layer's `input`. `draw` is the forward pass's.
int backward_data(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *output_gradient,
                  const float *input, const float *kept, float *input_gradient, int images, const Draw &draw = {}) noexcept;

/// Computes the gradients of kernel and bias. If the layer has an l2, adds decay · kernel to `gradients.kernel`, which lies on a 64-byte
/// boundary.
int backward_weights(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input,
                     const float *output_gradient, const LayerWeights &gradients, float decay, int images) noexcept;

int transpose_kernel(Failure &failure, const LayerDescription &layer, const LayerWeights &weights) noexcept;

}  // namespace castnet

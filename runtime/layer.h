// One layer's pipelines with their operands. A network chains them; a benchmark calls them one by one.
#pragma once

#include <cstdint>

#include "runtime/description.h"

namespace castnet {

/// One layer's parameters. `prepared` is the kernel as its pipelines read it, ArenaLayout::prepared_size() floats on a 64-byte boundary,
/// made by prepare_kernel(). Gradients have none.
struct LayerWeights {
    float *kernel = nullptr, *bias = nullptr, *prepared = nullptr;
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
/// boundary. `scratch` lies on one too, and has room for the map's kernel if the layer takes in an upsample.
int backward_weights(Failure &failure, const LayerDescription &layer, const LayerWeights &weights, const float *input,
                     const float *output_gradient, const LayerWeights &gradients, float decay, float *scratch, int images) noexcept;

/// Makes `weights.prepared` of the kernel, as far as passes read it.
int prepare_kernel(Failure &failure, const LayerDescription &layer, const LayerWeights &weights) noexcept;

}  // namespace castnet

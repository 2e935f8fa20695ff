// The operands of a network's pipelines, under the generators' names. A generated header passes them to each pipeline by name. So no order
// is written down twice, and a name missing here does not compile there.
#pragma once

#include <cstdint>

#include "runtime/operand.h"

namespace castnet {

/// conv2d makes the small grid from the large one; conv2d_transpose, and a conv2d that takes in an upsample, the large grid from the small
/// one, with the transposed kernel. A layer without weights makes the grid `to` of the grid `from`; dropout has a draw.
struct ForwardOperands {
    const Operand &large, &small, &kernel, &bias, &from, &to;
    std::uint32_t key, threshold;
    std::int32_t first_image;
    float scale;
};

/// All grids but `output` and `input` are gradients; the kernel is transposed where forward's is not. `output` is what the previous layer
/// keeps, `input` what it made of that, the layer's input.
struct BackwardDataOperands {
    const Operand &large, &small, &kernel, &output, &input, &from, &to;
    std::uint32_t key, threshold;
    std::int32_t first_image;
    float scale;
};

/// `kernel` and `decay` are for layers with an l2, unless fold_gradient follows.
struct BackwardWeightsOperands {
    const Operand &large, &small, &kernel;
    float decay;
    const Operand &gradient, &bias_gradient;
};

/// Of a conv2d that takes in an upsample: its kernel, and that of its map.
struct StretchKernelOperands {
    const Operand &kernel, &stretched;
};

struct TransposeKernelOperands {
    const Operand &kernel, &transposed;
};

/// The gradient of the map's kernel, and the layer's; `kernel` and `decay` are for layers with an l2.
struct FoldGradientOperands {
    const Operand &stretched, &kernel;
    float decay;
    const Operand &gradient;
};

/// The output may lie on the sums.
struct ActivateOperands {
    const Operand &sums, &output;
};

/// `output` holds the last layer's sums if it keeps them.
struct LossOperands {
    const Operand &output, &targets;
    float scale;
    const Operand &gradient, &error;
};

/// The states are weights, first and second moments.
struct AdamOperands {
    const Operand &gradients;
    float rate, decay, beta_1, beta_2, epsilon;
    const Operand &state_0, &state_1, &state_2;
};

struct SgdOperands {
    const Operand &gradients;
    float rate, decay;
    const Operand &weights;
};

/// The states are weights and velocities.
struct MomentumOperands {
    const Operand &gradients;
    float rate, decay, momentum;
    bool nesterov;
    const Operand &state_0, &state_1;
};

struct SquaredNormOperands {
    const Operand &values, &norm;
};

struct SumShardsOperands {
    const Operand &shards, &sum;
};

/// Multiplies and adds on registers alone; `width` gets the multiply-adds of a step.
struct FmaPeakOperands {
    std::int32_t steps;
    float factor, addend;
    const Operand &result, &width;
};

}  // namespace castnet

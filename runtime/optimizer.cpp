#include "runtime/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "runtime/pipelines.h"

namespace castnet {

void Adam::begin_anew(Network &network) noexcept {
    steps = 0;
    if (network.purpose() != Purpose::training) return;
    for (const Block moments : {Block::moments_1, Block::moments_2}) {
        for (const Network::Tensor &tensor : network.tensors(moments)) std::ranges::fill(tensor.values, 0.0F);
    }
}

namespace {

int not_finite(Network &network, const LayerDescription &layer) noexcept {
    std::array<char, 256> message{};
    std::snprintf(message.data(), message.size(), "weights of %.*s became infinite or NaN", static_cast<int>(layer.name.size()),
                  layer.name.data());
    return network.fail(message.data());
}

}  // namespace

/// Counts the step; returns its learning rate with the moments' bias corrections.
float Adam::begin_step() noexcept {
    steps++;
    const auto t = static_cast<double>(steps);
    const double correction = std::sqrt(1 - std::pow(static_cast<double>(beta_2), t)) / (1 - std::pow(static_cast<double>(beta_1), t));
    return static_cast<float>(static_cast<double>(learning_rate) * correction);
}

int Adam::update(Network &network, std::size_t layer, float rate) const noexcept {
    const Network::ParameterRange range = network.parameter_range(layer);
    const std::size_t size = range.weights.size();
    const AdamOperands operands{.gradients = Operand(range.shard_gradients, size, range.shards, range.shard_stride),
                                .rate = rate,
                                .beta_1 = beta_1,
                                .beta_2 = beta_2,
                                .epsilon = epsilon,
                                .state_0 = Operand(range.weights.data(), {size}),
                                .state_1 = Operand(range.moments_1.data(), {size}),
                                .state_2 = Operand(range.moments_2.data(), {size})};
    if (const int error = network.description().adam(network.failure(), operands); error != 0) return error;
    // A gradient that is not finite spreads to its moments and its weight.
    if (!all_finite(range.weights)) return not_finite(network, network.description().layers[layer]);
    return network.transpose_kernel(layer);
}

}  // namespace castnet

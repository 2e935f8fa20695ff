#include "runtime/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "runtime/pipelines.h"

namespace castnet {

void Optimizer::begin_anew(Network &network) noexcept {
    steps = 0;
    for (const Block moments : network.moments()) {
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

/// Counts the step; returns its learning rate, of Adam with the moments' bias corrections.
float Optimizer::begin_step() noexcept {
    steps++;
    if (kind == Kind::sgd) return learning_rate;
    const auto t = static_cast<double>(steps);
    const double correction = std::sqrt(1 - std::pow(static_cast<double>(beta_2), t)) / (1 - std::pow(static_cast<double>(beta_1), t));
    return static_cast<float>(static_cast<double>(learning_rate) * correction);
}

/// Returns why no step can be taken; null if one can.
const char *Optimizer::mistake(const Network &network) const noexcept {
    for (const float number : {learning_rate, beta_1, beta_2, epsilon, momentum, weight_decay, clip_norm}) {
        if (!(number >= 0)) return "a number of the optimizer is negative or NaN";
    }
    if (static_cast<std::size_t>(slots()) > network.moments().size())
        return "the network has no room for what the optimizer keeps; lay it out for this optimizer";
    return nullptr;
}

int Optimizer::update(Network &network, std::size_t layer, float rate) const noexcept {
    if (const char *wrong = mistake(network); wrong != nullptr) return network.fail(wrong);
    if (const int error = clip_gradients(network, layer); error != 0) return error;
    if (const int error = take_step(network, layer, rate); error != 0) return error;
    // A gradient that is not finite spreads to its moments and its weight.
    if (!all_finite(network.parameter_range(layer).weights)) return not_finite(network, network.description().layers[layer]);
    return network.prepare_kernel(layer);
}

/// Sums the shards' gradients and scales those of the kernel and of the bias down to clip_norm, if there is one.
int Optimizer::clip_gradients(Network &network, std::size_t layer) const noexcept {
    if (clip_norm == 0) return 0;
    if (const int error = network.sum_shards(layer); error != 0) return error;
    for (const std::span<float> gradient : {network.kernel(layer, Block::gradients), network.bias(layer, Block::gradients)}) {
        float squared_norm = 0;
        if (const int error = network.squared_norm(gradient, squared_norm); error != 0) return error;
        const float norm = std::sqrt(squared_norm);
        if (norm <= clip_norm) continue;
        for (float &value : gradient) value *= clip_norm / norm;
    }
    return 0;
}

int Optimizer::take_step(Network &network, std::size_t layer, float rate) const noexcept {
    const Network::ParameterRange range = network.parameter_range(layer);
    const std::size_t size = range.weights.size();
    const bool is_summed = clip_norm != 0;
    const Operand gradients(is_summed ? range.gradients.data() : range.shard_gradients, size, is_summed ? 1 : range.shards,
                            range.shard_stride);
    const Operand weights(range.weights.data(), {size}), moments_1(range.moments_1.data(), {size}),
        moments_2(range.moments_2.data(), {size});
    const float decay = learning_rate * weight_decay;
    const NetworkDescription &pipelines = network.description();
    Failure &failure = network.failure();
    if (kind == Kind::adam)
        return pipelines.adam(failure, {.gradients = gradients,
                                        .rate = rate,
                                        .decay = decay,
                                        .beta_1 = beta_1,
                                        .beta_2 = beta_2,
                                        .epsilon = epsilon,
                                        .state_0 = weights,
                                        .state_1 = moments_1,
                                        .state_2 = moments_2});
    if (slots() == 0) return pipelines.sgd(failure, {.gradients = gradients, .rate = rate, .decay = decay, .weights = weights});
    return pipelines.momentum(failure, {.gradients = gradients,
                                        .rate = rate,
                                        .decay = decay,
                                        .momentum = momentum,
                                        .nesterov = nesterov,
                                        .state_0 = weights,
                                        .state_1 = moments_1});
}

}  // namespace castnet

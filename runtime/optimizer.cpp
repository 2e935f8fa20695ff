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

/// Scales the gradients of the kernel and of the bias down to clip_norm.
int Optimizer::Update::clip(std::size_t layer) const noexcept {
    for (const std::span<float> gradient : {network.kernel(layer, Block::gradients), network.bias(layer, Block::gradients)}) {
        float squared_norm = 0;
        if (const int error = network.squared_norm(gradient, squared_norm); error != 0) return error;
        const float norm = std::sqrt(squared_norm);
        if (norm <= optimizer.clip_norm) continue;
        for (float &value : gradient) value *= optimizer.clip_norm / norm;
    }
    return 0;
}

int Optimizer::Update::step(const Network::ParameterRange &range) const noexcept {
    if (const char *wrong = optimizer.mistake(network); wrong != nullptr) return network.fail(wrong);
    const std::size_t size = range.weights.size();
    if (size == 0) return 0;
    const Operand gradients(range.gradients, size, range.rows, range.row_stride);
    const Operand weights(range.weights.data(), {size}), moments_1(range.moments_1.data(), {size}),
        moments_2(range.moments_2.data(), {size});
    const float decay = optimizer.learning_rate * optimizer.weight_decay;
    const NetworkDescription &pipelines = network.description();
    Failure &failure = network.failure();
    if (optimizer.kind == Kind::adam)
        return pipelines.adam(failure, {.gradients = gradients,
                                        .rate = rate,
                                        .decay = decay,
                                        .beta_1 = optimizer.beta_1,
                                        .beta_2 = optimizer.beta_2,
                                        .epsilon = optimizer.epsilon,
                                        .state_0 = weights,
                                        .state_1 = moments_1,
                                        .state_2 = moments_2});
    if (optimizer.slots() == 0) return pipelines.sgd(failure, {.gradients = gradients, .rate = rate, .decay = decay, .weights = weights});
    return pipelines.momentum(failure, {.gradients = gradients,
                                        .rate = rate,
                                        .decay = decay,
                                        .momentum = optimizer.momentum,
                                        .nesterov = optimizer.nesterov,
                                        .state_0 = weights,
                                        .state_1 = moments_1});
}

/// Fails if a weight is not finite: a gradient that is not spreads to its moments and its weight.
int Optimizer::Update::finish(std::size_t layer) const noexcept {
    if (!all_finite(network.layer_range(layer).weights)) return not_finite(network, network.description().layers[layer]);
    return network.prepare_kernel(layer);
}

}  // namespace castnet

// Adam, AdamW and stochastic gradient descent, with Keras's formulas and defaults.
#pragma once

#include <cstdint>

#include "runtime/network.h"

namespace castnet {

struct Optimizer {
    enum class Kind { adam, sgd };

    Kind kind = Kind::adam;
    float learning_rate = 1e-3F;  ///< may be changed at any time
    // Adam's; epsilon stands outside the bias correction:
    float beta_1 = 0.9F;
    float beta_2 = 0.999F;
    float epsilon = 1e-7F;
    // SGD's:
    float momentum = 0;
    bool nesterov = false;
    // Each one's, on kernels and biases:
    float weight_decay = 0;  ///< before a step w -= learning_rate · weight_decay · w (Loshchilov & Hutter 2019)
    float clip_norm = 0;     ///< scales the gradient of each kernel and each bias down to this norm; 0: does not
    std::int64_t steps = 0;  ///< taken so far

    static constexpr Optimizer adam() { return {}; }
    static constexpr Optimizer adamw() { return {.weight_decay = 0.004F}; }
    static constexpr Optimizer sgd(float momentum = 0, bool nesterov = false) {
        return {.kind = Kind::sgd, .learning_rate = 0.01F, .momentum = momentum, .nesterov = nesterov};
    }

    /// Returns how many numbers it keeps for every weight. A network must have been laid out for as many, or more.
    [[nodiscard]] constexpr int slots() const {
        if (kind == Kind::adam) return 2;
        return momentum != 0 ? 1 : 0;
    }

    /// Takes one training step: computes the batch's gradients and updates the weights. Returns the loss before the update. Fails if the
    /// loss, a gradient or a weight is no longer finite; then the weights are lost. Fails too if a number above is not one, or negative.
    /// Allocates nothing, throws nothing.
    StepResult step(Network &network, const Batch &batch) noexcept {
        StepResult result;
        train(network, [&](const StepResult *last) -> const Batch * {
            if (last == nullptr) return &batch;
            result = *last;
            return nullptr;
        });
        return result;
    }

    /// Takes steps in one fork of the threads until `next` returns null. next(nullptr) points to the first batch, next(result of the last
    /// step) to each later one. `next` runs on any of the threads, one at a time, and may not throw.
    template <typename Next>
    void train(Network &network, const Next &next) noexcept {
        float rate = 0;
        const auto begin_next = [&](const StepResult *last) {
            const Batch *batch = next(last);
            if (batch != nullptr) rate = begin_step();
            return batch;
        };
        network.backward_each(begin_next, Update{*this, network, rate});
    }

    /// Resets the step count and the moments, as new weights require.
    void begin_anew(Network &network) noexcept;

private:
    /// What a backward pass updates the network with.
    struct Update {
        const Optimizer &optimizer;
        Network &network;
        const float &rate;  // of this step

        [[nodiscard]] bool needs_sums() const noexcept { return optimizer.clip_norm != 0; }
        [[nodiscard]] int clip(std::size_t layer) const noexcept;
        [[nodiscard]] int step(const Network::ParameterRange &range) const noexcept;
        [[nodiscard]] int finish(std::size_t layer) const noexcept;
    };

    float begin_step() noexcept;
    [[nodiscard]] const char *mistake(const Network &network) const noexcept;
};

}  // namespace castnet

// Adam, with Keras's defaults and Keras's placement of epsilon.
#pragma once

#include <cstdint>

#include "runtime/network.h"

namespace castnet {

struct Adam {
    float learning_rate = 1e-3F;
    float beta_1 = 0.9F;
    float beta_2 = 0.999F;
    float epsilon = 1e-7F;
    std::int64_t steps = 0;  ///< taken so far

    /// Takes one training step: computes the batch's gradients and updates the weights. Returns the loss before the update. Fails if the
    /// loss, a gradient or a weight is no longer finite; then the weights are lost. Allocates nothing, throws nothing.
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
        network.backward_each(begin_next, [&](std::size_t layer) { return update(network, layer, rate); });
    }

    /// Resets the step count and the moments, as new weights require.
    void begin_anew(Network &network) noexcept;

private:
    float begin_step() noexcept;
    int update(Network &network, std::size_t layer, float rate) const noexcept;
};

}  // namespace castnet

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

    /// One step of training: the batch's gradients, and the weights changed along them. Returns the loss before the change; an error where
    /// the loss, a gradient or a weight is not finite any more, and then the weights are lost. Allocates nothing, throws nothing.
    StepResult step(Network &network, const Batch &batch) noexcept {
        StepResult result;
        train(network, [&](const StepResult *last) -> const Batch * {
            if (last == nullptr) return &batch;
            result = *last;
            return nullptr;
        });
        return result;
    }

    /// Steps in one fork of the threads, each on the batch that next(result of the last step) points to, the first on next(nullptr), until
    /// it is null. `next` runs on any of the threads, one at a time, and may not throw.
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

    /// Forgets the steps so far and their moments, as after other weights were set.
    void begin_anew(Network &network) noexcept;

private:
    float begin_step() noexcept;
    int update(Network &network, std::size_t layer, float rate) const noexcept;
};

}  // namespace castnet

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

    /// One step of training: the batch's gradients, and the weights changed along them, in one fork of the threads. Returns the loss before
    /// the change. Allocates nothing, throws nothing.
    StepResult step(Network &network, const Batch &batch) noexcept;
};

}  // namespace castnet

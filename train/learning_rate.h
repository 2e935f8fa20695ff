// The learning rate over a run.
#pragma once

#include <cmath>
#include <numbers>
#include <string>

namespace castnet {

struct LearningRate {
    std::string schedule = "constant";  ///< or "cosine" or "step"
    float initial = 1e-3F;
    int step_epochs = 5;       ///< of step: epochs with one rate
    float step_factor = 0.1F;  ///< of step: from one rate to the next

    /// Returns the rate after `epoch` of `epochs` epochs; `epoch` may be a fraction. constant: initial; cosine: ½ · initial · (1 + cos(π ·
    /// epoch / epochs)) (Loshchilov & Hutter 2017, equation 5); step: initial · step_factor^⌊epoch / step_epochs⌋.
    [[nodiscard]] float at(double epoch, int epochs) const {
        if (schedule == "cosine") return static_cast<float>(initial * 0.5 * (1 + std::cos(std::numbers::pi * epoch / epochs)));
        if (schedule == "step")
            return static_cast<float>(initial * std::pow(static_cast<double>(step_factor), std::floor(epoch / step_epochs)));
        return initial;
    }
};

}  // namespace castnet

// The learning rate over a run.
#pragma once

#include <cmath>
#include <map>
#include <numbers>
#include <string>

namespace castnet {

enum class LearningRateSchedule { constant, cosine, step };

inline const std::map<std::string, LearningRateSchedule> &learning_rate_schedules() {
    static const std::map<std::string, LearningRateSchedule> names{
        {"constant", LearningRateSchedule::constant}, {"cosine", LearningRateSchedule::cosine}, {"step", LearningRateSchedule::step}};
    return names;
}

struct LearningRate {
    LearningRateSchedule schedule = LearningRateSchedule::constant;
    float initial = 1e-3F;
    int epochs = 10;           ///< of the run
    int step_epochs = 5;       ///< of step: so many epochs with one rate
    float step_factor = 0.1F;  ///< of step: between two rates

    /// After `epoch` epochs and parts of them. constant: initial; cosine: ½ · initial · (1 + cos(π · epoch / epochs)) (Loshchilov & Hutter
    /// 2017, equation 5); step: initial · step_factor^⌊epoch / step_epochs⌋.
    [[nodiscard]] float at(double epoch) const {
        switch (schedule) {
        case LearningRateSchedule::cosine:
            return static_cast<float>(initial * 0.5 * (1 + std::cos(std::numbers::pi * epoch / epochs)));
        case LearningRateSchedule::step:
            return static_cast<float>(initial * std::pow(static_cast<double>(step_factor), std::floor(epoch / step_epochs)));
        default:
            return initial;
        }
    }
};

}  // namespace castnet

#include "runtime/detector.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace castnet {

Detector::Detector(Autoencoder &model, std::span<float> batch, const DetectorOptions &options) noexcept
    : model_(model), batch_(batch), options_(options), mistake_(find_mistake()), quantile_(options.quantile) {}

/// Returns what does not fit, and what to do; null if all does.
const char *Detector::find_mistake() const noexcept {
    const NetworkDescription &network = model_.description();
    if (!model_.is_ready()) return model_.error_message();
    if (network.input != network.output)
        return "detector: the network's output has another shape than its input; give one that reproduces it";
    if (options_.windows_to_learn < 0 || options_.windows_to_calibrate < 2)
        return "detector: give 0 or more windows to learn and 2 or more to calibrate";
    if (!(options_.quantile >= 0 && options_.quantile < 1) || !std::isfinite(options_.deviations))
        return "detector: give a quantile from 0 to below 1, and a finite number of deviations";
    if (options_.last_windows < 1 || options_.last_windows > 64 || options_.votes < 1 || options_.votes > options_.last_windows)
        return "detector: give 1 to 64 last windows, and 1 to as many votes";
    const std::size_t windows = batch_.size() / network.input.size();
    if (options_.windows_to_learn > 0 &&
        (batch_.size() % network.input.size() != 0 || windows < 1 || windows > static_cast<std::size_t>(model_.network().batch_size())))
        return "detector: give room for 1 to batch_size whole windows";
    return nullptr;
}

int Detector::check(std::span<const float> window) noexcept {
    if (mistake_ != nullptr) return model_.network().refuse(mistake_);
    if (window.size() != model_.description().input.size())
        return model_.network().refuse("detector: the window is not one of the network's input shape");
    return 0;
}

int Detector::learn(std::span<const float> window) noexcept {
    if (const int error = check(window); error != 0) return error;
    if (!all_finite(window)) return model_.network().refuse("detector: the window has a number that is infinite or NaN; leave it out");
    if (learned_ < options_.windows_to_learn) {
        std::ranges::copy(window, batch_.subspan(collected_).begin());
        collected_ += window.size();
        learned_++;
        return collected_ == batch_.size() || learned_ == options_.windows_to_learn ? learn_batch() : 0;
    }
    float score = 0;
    if (const int error = model_.losses(window, std::span(&score, 1)); error != 0) return error;
    if (!std::isfinite(score)) return model_.network().refuse("detector: the window's score is infinite or NaN; leave it out");
    moments_.add(score);
    quantile_.add(score);
    return 0;
}

/// Takes a step on what the batch holds, the last time perhaps less than it has room for.
int Detector::learn_batch() noexcept {
    const std::size_t floats = std::exchange(collected_, 0);
    return model_.step(batch_.first(floats)).error;
}

bool Detector::is_watching() const noexcept {
    return mistake_ == nullptr && learned_ == options_.windows_to_learn && moments_.count() >= options_.windows_to_calibrate;
}

double Detector::threshold() const noexcept {
    return options_.quantile > 0 ? quantile_.value() : moments_.mean() + options_.deviations * moments_.deviation();
}

Detection Detector::detect(std::span<const float> window) noexcept {
    Detection result{.error = check(window)};
    if (result.error == 0 && !is_watching())
        result.error = model_.network().refuse("detector: it has not learned enough windows to judge one; go on with learn()");
    if (result.error == 0) result.error = model_.losses(window, std::span(&result.score, 1));
    if (result.error != 0) return result;
    result.is_unusual = !(result.score <= threshold());  // NaN too
    verdicts_ = verdicts_ << 1U | static_cast<std::uint64_t>(result.is_unusual);
    const std::uint64_t last = verdicts_ << (64U - static_cast<unsigned>(options_.last_windows));
    result.is_alarm = std::popcount(last) >= options_.votes;
    return result;
}

}  // namespace castnet

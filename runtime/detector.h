// What a sensor does around a network: learns windows of what is normal, finds a threshold, then watches.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/autoencoder.h"
#include "runtime/streaming.h"

namespace castnet {

struct DetectorOptions {
    int windows_to_learn = 10'000;   ///< by the network, a batch at a time; 0 where its weights were loaded
    int windows_to_calibrate = 500;  ///< after them, whose scores give the threshold
    double quantile = 0.99;          ///< the share of those scores below the threshold; 0: it is their mean + deviations · σ
    double deviations = 4;  ///< σ, their standard deviation. Scores often have a long tail, which a quantile knows and σ does not
    int votes = 3, last_windows = 5;  ///< an alarm is so many unusual windows among the last ones, at most 64
};

/// What is said of a window.
struct Detection {
    float score = 0;          ///< the network's loss of it
    bool is_unusual = false;  ///< its score is above the threshold, or no number
    bool is_alarm = false;    ///< so were enough of the last windows
    int error = 0;            ///< 0, or an error, which the model's error_message() explains; then the rest means nothing
};

/// Learns from windows one by one, and then judges windows. Its memory is the caller's: a model, and room for a batch of windows. Allocates
/// nothing and throws nothing. Use it and its model from one thread at a time.
class Detector {
public:
    /// `model` reproduces its input, and is laid out for training unless there is nothing to learn. `batch` holds 1 to batch_size() whole
    /// windows. Both must outlive the detector. Where an argument does not fit, every call returns an error.
    Detector(Autoencoder &model, std::span<float> batch, const DetectorOptions &options = {}) noexcept;

    /// Learns a window, as far as windows_to_learn are not learned; later ones move the threshold by their scores. Returns 0 or an error: a
    /// window of another size, or with a number that is infinite or NaN, counts for nothing.
    int learn(std::span<const float> window) noexcept;

    /// Judges a window. An error before is_watching().
    Detection detect(std::span<const float> window) noexcept;

    /// Returns whether all windows were learned and the threshold is found.
    [[nodiscard]] bool is_watching() const noexcept;
    /// Returns the threshold of all scores so far.
    [[nodiscard]] double threshold() const noexcept;

private:
    [[nodiscard]] const char *find_mistake() const noexcept;
    int check(std::span<const float> window) noexcept;
    int learn_batch() noexcept;

    Autoencoder &model_;
    std::span<float> batch_;
    DetectorOptions options_;
    const char *mistake_;         // what does not fit; null if all does
    std::size_t collected_ = 0;   // floats in the batch
    int learned_ = 0;             // windows, those in the batch included
    StreamingMoments moments_;    // of the scores
    StreamingQuantile quantile_;  // of the scores
    std::uint64_t verdicts_ = 0;  // of the last windows: the newest is the lowest bit
};

}  // namespace castnet

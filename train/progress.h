// The progress of a training run: Keras's line, redrawn on a terminal, or one line an epoch elsewhere.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace castnet {

class Progress {
public:
    Progress(int epochs, int steps, bool quiet);

    void begin_epoch(int epoch);
    /// After `step` steps of the epoch with the mean loss so far.
    void step(int step, double loss);
    void end_epoch(double loss, std::optional<double> validation_loss);

    /// Seconds since begin_epoch().
    [[nodiscard]] double seconds() const;

private:
    using Clock = std::chrono::steady_clock;

    int epochs_, steps_;
    bool quiet_, redraws_;
    int epoch_ = 0;
    Clock::time_point begin_, drawn_;
};

}  // namespace castnet

// The progress of a training run: Keras's line, redrawn on a terminal, or one line per epoch elsewhere.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace castnet {

/// Formats a time as "12s", "2:05" or "1:02:05".
std::string clock_time(double seconds);

class Progress {
public:
    Progress(int epochs, int steps, bool quiet);
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;
    ~Progress() { end_line(); }

    /// Begins an epoch of which `done` steps were taken before.
    void begin_epoch(int epoch, int done = 0);
    /// Shows the mean loss so far, after `step` steps of the epoch.
    void step(int step, double loss);
    /// Shows the results of the epoch. `share_of_roof`: the result of that function in roof.h, or "".
    void end_epoch(double loss, std::optional<double> validation_loss, const std::string &share_of_roof);
    /// Ends a line that would be redrawn, so that other text can follow.
    void end_line() noexcept;

    /// Returns the seconds since begin_epoch().
    [[nodiscard]] double seconds() const;

private:
    using Clock = std::chrono::steady_clock;

    /// Returns "100/566 ".
    [[nodiscard]] std::string count(int step) const;
    /// Replaces the line by the count, a bar as wide as the terminal has room for, and the text.
    void redraw(int step, const std::string &text);

    int epochs_, steps_;
    bool quiet_, redraws_;
    int epoch_ = 0, done_ = 0;
    Clock::time_point begin_, drawn_;
    bool line_is_open_ = false;
};

}  // namespace castnet

// The progress of a training run: Keras's line, redrawn on a terminal, or one line an epoch elsewhere.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace castnet {

/// "12s", "2:05", "1:02:05".
std::string clock_time(double seconds);

class Progress {
public:
    Progress(int epochs, int steps, bool quiet);
    Progress(const Progress &) = delete;
    Progress &operator=(const Progress &) = delete;
    ~Progress() { end_line(); }

    /// `done` steps of it were taken before.
    void begin_epoch(int epoch, int done = 0);
    /// After `step` steps of the epoch with the mean loss so far.
    void step(int step, double loss);
    /// `share_of_roof` is what the epoch made of the machine (roof.h), or "".
    void end_epoch(double loss, std::optional<double> validation_loss, const std::string &share_of_roof);
    /// Goes below a line that would be redrawn, so that other text can follow.
    void end_line() noexcept;

    /// Seconds since begin_epoch().
    [[nodiscard]] double seconds() const;

private:
    using Clock = std::chrono::steady_clock;

    /// "100/566 ".
    [[nodiscard]] std::string count(int step) const;
    /// The count, a bar as wide as the terminal has room for, and the text, in place of the line before.
    void redraw(int step, const std::string &text);

    int epochs_, steps_;
    bool quiet_, redraws_;
    int epoch_ = 0, done_ = 0;
    Clock::time_point begin_, drawn_;
    bool line_is_open_ = false;
};

}  // namespace castnet

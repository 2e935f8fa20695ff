#include "train/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace castnet {
namespace {

constexpr int bar_width = 20;
constexpr std::chrono::milliseconds redraw_interval(100);

double to_seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

Progress::Progress(int epochs, int steps, bool quiet)
    : epochs_(epochs), steps_(steps), quiet_(quiet), redraws_(::isatty(STDOUT_FILENO) == 1) {}

void Progress::begin_epoch(int epoch, int done) {
    epoch_ = epoch;
    done_ = done;
    begin_ = drawn_ = Clock::now();
    if (!quiet_ && redraws_) fmt::print("Epoch {}/{}\n", epoch, epochs_);
}

double Progress::seconds() const {
    return to_seconds(Clock::now() - begin_);
}

void Progress::step(int step, double loss) {
    if (quiet_ || !redraws_ || Clock::now() - drawn_ < redraw_interval) return;
    drawn_ = Clock::now();
    const double elapsed = to_seconds(drawn_ - begin_), per_step = elapsed / std::max(1, step - done_);
    const int filled = bar_width * step / steps_;
    std::string bar;
    for (int i = 0; i < bar_width; i++) bar += i < filled ? "━" : "─";
    fmt::print("\r\033[K{}/{} {} {:.0f}s, {:.0f}s left, {:.2f}ms/step - loss: {:.4f}", step, steps_, bar, elapsed,
               per_step * (steps_ - step), per_step * 1e3, loss);
    std::fflush(stdout);
}

void Progress::end_epoch(double loss, std::optional<double> validation_loss, double share_of_peak) {
    if (quiet_) return;
    const double elapsed = seconds();
    const std::string where = redraws_ ? "\r\033[K" : fmt::format("Epoch {}/{}: ", epoch_, epochs_);
    const std::string validation = validation_loss ? fmt::format(" - val_loss: {:.4f}", *validation_loss) : "";
    fmt::print("{}{}/{} {:.2f}s {:.2f}ms/step - loss: {:.4f}{} - {:.0f}% of the FMA peak\n", where, steps_, steps_, elapsed,
               elapsed / std::max(1, steps_ - done_) * 1e3, loss, validation, 100 * share_of_peak);
    std::fflush(stdout);
}

}  // namespace castnet

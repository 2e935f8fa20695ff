#include "train/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace castnet {
namespace {

constexpr int widest_bar = 20, narrowest_bar = 5;
constexpr std::chrono::milliseconds redraw_interval(100);

double to_seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

int terminal_width() {
    winsize size{};
    return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(int width, double part) {
    std::string text;
    for (int i = 0; i < width; i++) text += i < static_cast<int>(width * part) ? "━" : "─";
    return text;
}

/// A failure stays with the stream: where nobody reads on, the work of the run is not lost.
void put(const std::string &text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
}

}  // namespace

std::string clock_time(double seconds) {
    const auto whole = std::lround(seconds);
    if (whole < 60) return fmt::format("{}s", whole);
    if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

Progress::Progress(int epochs, int steps, bool quiet)
    : epochs_(epochs), steps_(steps), quiet_(quiet), redraws_(::isatty(STDOUT_FILENO) == 1) {}

void Progress::begin_epoch(int epoch, int done) {
    epoch_ = epoch;
    done_ = done;
    begin_ = drawn_ = Clock::now();
    if (!quiet_ && redraws_) put(fmt::format("Epoch {}/{}\n", epoch, epochs_));
}

double Progress::seconds() const {
    return to_seconds(Clock::now() - begin_);
}

void Progress::step(int step, double loss) {
    if (quiet_ || !redraws_ || Clock::now() - drawn_ < redraw_interval) return;
    drawn_ = Clock::now();
    const double elapsed = to_seconds(drawn_ - begin_), per_step = elapsed / std::max(1, step - done_);
    const std::string text = fmt::format("{}, {} left, {:.2f}ms/step - loss: {:.4g}", clock_time(elapsed),
                                         clock_time(per_step * (steps_ - step)), per_step * 1e3, loss);
    const int room = terminal_width() - static_cast<int>(count(step).size());
    redraw(step, text.substr(0, static_cast<std::size_t>(std::max(0, room))));  // a line that wraps could not be redrawn
}

void Progress::end_epoch(double loss, std::optional<double> validation_loss, double share_of_peak) {
    if (quiet_) return;
    const double elapsed = seconds();
    const std::string text = fmt::format("{:.2f}s {:.2f}ms/step - loss: {:.4g}{} - {:.0f}% of the FMA peak", elapsed,
                                         elapsed / std::max(1, steps_ - done_) * 1e3, loss,
                                         validation_loss ? fmt::format(" - val_loss: {:.4g}", *validation_loss) : "", 100 * share_of_peak);
    if (redraws_) {
        redraw(steps_, text);
        end_line();
    } else {
        put(fmt::format("Epoch {}/{}: {}{}\n", epoch_, epochs_, count(steps_), text));
    }
}

std::string Progress::count(int step) const {
    return fmt::format("{:>{}}/{} ", step, fmt::formatted_size("{}", steps_), steps_);
}

void Progress::redraw(int step, const std::string &text) {
    const std::string before = count(step);
    const int room = terminal_width() - static_cast<int>(before.size() + text.size()) - 1;  // one for a space
    const std::string middle =
        room < narrowest_bar ? "" : bar(std::min(widest_bar, room), static_cast<double>(step) / static_cast<double>(steps_)) + " ";
    put(fmt::format("\r\033[K{}{}{}", before, middle, text));
    line_is_open_ = true;
}

void Progress::end_line() noexcept {
    if (line_is_open_) std::fputs("\n", stdout);
    std::fflush(stdout);
    line_is_open_ = false;
}

}  // namespace castnet

#include "train/console/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <vector>

#include "train/console/terminal.h"

namespace castnet {
namespace {

constexpr int widest_bar = 20, narrowest_bar = 5;
constexpr std::chrono::milliseconds redraw_interval(100);

double to_seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

int columns() {
    return static_cast<int>(std::min<std::size_t>(terminal_width().value_or(80), 10'000));
}

std::string bar(int width, double part) {
    std::string text;
    for (int i = 0; i < width; i++) text += i < static_cast<int>(width * part) ? "━" : "─";
    return text;
}

/// Prints the text. A failure stays with the stream: if nobody reads on, the run's work is not lost.
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
    begin_ = Clock::now();
    drawn_ = {};  // the first step is drawn at once
    if (!quiet_ && redraws_) put(fmt::format("Epoch {}/{}\n", epoch, epochs_));
}

double Progress::seconds() const {
    return to_seconds(Clock::now() - begin_);
}

void Progress::step(int step, double loss) {
    if (quiet_ || !redraws_ || Clock::now() - drawn_ < redraw_interval) return;
    drawn_ = Clock::now();
    const double elapsed = to_seconds(drawn_ - begin_), per_step = elapsed / std::max(1, step - done_);
    const std::string left = fmt::format("{} left", clock_time(per_step * (steps_ - step))), shown_loss = fmt::format("{:.4g}", loss);
    const std::string longest = fmt::format("{}, {}, {:.2f}ms/step - loss: {}", clock_time(elapsed), left, per_step * 1e3, shown_loss);
    const auto room = static_cast<std::size_t>(std::max(0, columns() - static_cast<int>(count(step).size())));
    for (const std::string &text : {longest, fmt::format("{} - loss: {}", left, shown_loss), "loss: " + shown_loss, shown_loss}) {
        if (text.size() <= room) return redraw(step, text);
    }
    redraw(step, shown_loss.substr(0, room));  // a line that wraps could not be redrawn
}

void Progress::end_epoch(double loss, std::optional<double> validation_loss, const std::string &share_of_roof) {
    if (quiet_) return;
    const double elapsed = seconds();
    std::vector<std::string> pieces{fmt::format("{:.2f}s {:.2f}ms/step", elapsed, elapsed / std::max(1, steps_ - done_) * 1e3),
                                    fmt::format("loss: {:.4g}", loss)};
    if (validation_loss) pieces.push_back(fmt::format("val_loss: {:.4g}", *validation_loss));
    if (!share_of_roof.empty()) pieces.push_back(share_of_roof);
    if (redraws_) {
        redraw(steps_, wrapped(pieces, " - ", static_cast<std::size_t>(std::max(0, columns() - static_cast<int>(count(steps_).size())))));
        end_line();
    } else {
        put(fmt::format("Epoch {}/{}: {}{}\n", epoch_, epochs_, count(steps_), wrapped(pieces, " - ", unlimited_width)));
    }
}

std::string Progress::count(int step) const {
    return fmt::format("{:>{}}/{} ", step, fmt::formatted_size("{}", steps_), steps_);
}

void Progress::redraw(int step, const std::string &text) {
    const std::string before = count(step);
    const int room = columns() - static_cast<int>(before.size() + text.size()) - 1;  // one for a space
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

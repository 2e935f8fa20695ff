// Why a call failed: one line, in memory of its own.
#pragma once

#include <array>
#include <atomic>

namespace castnet {

/// The first error's message of a call in which any thread may fail.
class Failure {
public:
    /// Forgets it, as a call begins.
    void clear() noexcept { is_kept_ = false; }
    /// Keeps the message's first line, unless there is one. Returns the error that stands for what no pipeline reports.
    int keep(const char *message) noexcept;
    /// Once the call is over: "" if nothing ever failed.
    [[nodiscard]] const char *message() const noexcept { return message_.data(); }

private:
    std::array<char, 512> message_{};
    std::atomic<bool> is_kept_{false};
};

/// While it lives, a failure keeps what Halide's runtime finds wrong in this thread. What it finds elsewhere goes where it went before, to
/// the program's own handler or to Halide's, which ends the process.
class HalideErrors {
public:
    explicit HalideErrors(Failure &failure) noexcept;
    HalideErrors(const HalideErrors &) = delete;
    HalideErrors &operator=(const HalideErrors &) = delete;
    ~HalideErrors();

private:
    Failure *outer_;
};

}  // namespace castnet

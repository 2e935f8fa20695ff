// Why a call failed: one line, in memory of its own.
#pragma once

#include <array>
#include <atomic>

namespace castnet {

/// The first error's message of a call in which any thread may fail. It is the user context of the pipelines that the call runs: what
/// Halide finds wrong in them is kept here. The errors of all other contexts go where they went before, to the program's own handler or to
/// Halide's, which ends the process.
class Failure {
public:
    /// The first one of a process sets Halide's error handler; one that the program sets later stays.
    Failure() noexcept;
    Failure(const Failure &) = delete;
    Failure &operator=(const Failure &) = delete;
    ~Failure();

    /// Forgets it, as a call begins.
    void clear() noexcept { is_kept_ = false; }
    /// Keeps the message's first line, unless there is one. Returns the error that stands for what no pipeline reports.
    int keep(const char *message) noexcept;
    /// Once the call is over: "" if nothing ever failed.
    [[nodiscard]] const char *message() const noexcept { return message_.data(); }

private:
    static void keep_or_pass_on(void *context, const char *message);

    std::array<char, 512> message_{};
    std::atomic<bool> is_kept_{false};
    Failure *next_ = nullptr;  // of all that there are
};

}  // namespace castnet

// Why a call failed: one line, in its own memory.
#pragma once

#include <array>
#include <atomic>

namespace castnet {

/// The first error message of a call, from any of its threads. It is the user context of the call's pipelines, and so keeps Halide's errors
/// about them. Errors of other contexts go where they went before: to the program's own handler, or to Halide's, which ends the process.
class Failure {
public:
    /// Sets Halide's error handler, once in a process. A handler that the program sets later stays.
    Failure() noexcept;
    Failure(const Failure &) = delete;
    Failure &operator=(const Failure &) = delete;
    ~Failure();

    /// Begins a call: its first message replaces the old one.
    void clear() noexcept { is_kept_ = false; }
    /// Keeps the message's first line, unless the call has one already. Returns -1, the error of all that is not a pipeline's.
    int keep(const char *message) noexcept;
    /// Returns the last message, once the call is over; "" if nothing ever failed.
    [[nodiscard]] const char *message() const noexcept { return message_.data(); }

private:
    static void keep_or_pass_on(void *context, const char *message);

    std::array<char, 512> message_{};
    std::atomic<bool> is_kept_{false};
    Failure *next_ = nullptr;  // in the list of all
};

}  // namespace castnet

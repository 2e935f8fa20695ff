// Parallel loops on Halide's own thread pool, which an embedder may replace (halide_set_custom_do_par_for).
#pragma once

#include <HalideRuntime.h>

#include <atomic>
#include <cstdint>
#ifdef __STDCPP_THREADS__
#include <thread>
#endif

#include "runtime/denormals.h"

namespace castnet {

/// Sets the size of the pool, the calling thread included.
inline void use_threads(int threads) {
    halide_set_num_threads(threads);
}

/// Calls body(0) … body(count - 1) on the pool's threads, with denormals flushed. Each call returns 0 or an error. Returns 0 or one of the
/// errors. The pool gets the user context.
template <typename Body>
int parallel_for(void *context, int count, Body &body) noexcept {
    const auto call = [](void *, int index, std::uint8_t *closure) {
        const FlushDenormals flush;
        return (*reinterpret_cast<Body *>(closure))(index);
    };
    if (count == 1) return call(context, 0, reinterpret_cast<std::uint8_t *>(&body));  // no hand-off to the pool
    return halide_do_par_for(context, call, 0, count, reinterpret_cast<std::uint8_t *>(&body));
}

/// The pieces of work in a round of work_in_rounds(), fewer than 2²⁰. A round without any ends the work.
struct Round {
    int firsts = 0, seconds = 0;
    [[nodiscard]] int size() const { return firsts + seconds; }
};

#ifdef __STDCPP_THREADS__

/// Waits until holds(number). Whoever makes that true must notify. Spins first, as the wait is mostly short, then yields its core, then
/// sleeps: with more threads than cores, the awaited worker needs one.
template <typename Number, typename Condition>
void wait_until(const std::atomic<Number> &number, const Condition &holds) noexcept {
    constexpr int looks_before_yield = 1000, looks_before_sleep = 2000;
    for (int looks = 0;; looks++) {
        const Number now = number.load(std::memory_order_acquire);
        if (holds(now)) return;
        if (looks >= looks_before_sleep) {
            number.wait(now, std::memory_order_acquire);
        } else if (looks >= looks_before_yield) {
            std::this_thread::yield();
        }
    }
}

/// Runs rounds of work in one fork and join. A round calls first(worker, 0) … first(worker, firsts - 1) and, when all have returned,
/// second(0) … second(seconds - 1). Each call returns 0 or an error. next(error) then returns the next round. Each of `workers` takes the
/// next free piece; after an error the rest of the round is skipped. No callback may throw.
///
/// A worker waits only for pieces that a running worker has taken, never for a worker that may not have started.
template <typename First, typename Second, typename Next>
void work_in_rounds(void *context, int workers, Round round, const First &first, const Second &second, const Next &next) noexcept {
    if (round.size() == 0) return;
    // The round's number, its size and its next free piece in one word, so that a late worker sees values of one round. A round without
    // pieces is the end.
    constexpr std::uint64_t number_shift = 40, size_shift = 20, mask = (1U << size_shift) - 1;
    const auto number = [](std::uint64_t taken) { return taken >> number_shift; };
    const auto first_ticket = [](std::uint64_t which, const Round &r) {
        return which << number_shift | static_cast<std::uint64_t>(r.size()) << size_shift;
    };
    std::atomic<std::uint64_t> ticket{first_ticket(0, round)};
    std::atomic<int> done{0}, error{0};
    // A worker may read `round` only while it holds a piece: with its last piece the round ends, and `round` changes.
    auto work = [&](int worker) {
        for (;;) {
            const std::uint64_t taken = ticket.fetch_add(1, std::memory_order_acq_rel);
            const auto piece = static_cast<int>(taken & mask), size = static_cast<int>(taken >> size_shift & mask);
            if (size == 0) return 0;
            if (piece >= size) {
                wait_until(ticket, [&](std::uint64_t now) { return number(now) != number(taken); });
                continue;
            }
            const int firsts = round.firsts;
            if (piece >= firsts) wait_until(done, [&](int pieces) { return pieces >= firsts; });
            if (error.load(std::memory_order_relaxed) == 0) {
                const int code = piece < firsts ? first(worker, piece) : second(piece - firsts);
                if (code != 0) error.store(code, std::memory_order_relaxed);
            }
            const int finished = done.fetch_add(1) + 1;
            if (finished == firsts) done.notify_all();
            if (finished < size) continue;
            round = next(error.exchange(0));
            done.store(0, std::memory_order_relaxed);
            ticket.store(first_ticket(number(taken) + 1, round));
            ticket.notify_all();
        }
    };
    parallel_for(context, workers, work);
}

#else  // no threads, as on a microcontroller

/// Does the same on the only thread.
template <typename First, typename Second, typename Next>
void work_in_rounds(void *, int, Round round, const First &first, const Second &second, const Next &next) noexcept {
    const FlushDenormals flush;
    while (round.size() > 0) {
        int error = 0;
        for (int piece = 0; piece < round.size() && error == 0; piece++)
            error = piece < round.firsts ? first(0, piece) : second(piece - round.firsts);
        round = next(error);
    }
}

#endif

}  // namespace castnet

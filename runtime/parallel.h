// Parallel loops on Halide's own thread pool, which an embedder may replace (halide_set_custom_do_par_for).
#pragma once

#include <HalideRuntime.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace castnet {

/// Sets the size of the pool, the calling thread included.
inline void use_threads(int threads) {
    halide_set_num_threads(threads);
}

/// Calls body(0) … body(count - 1), each an int that is 0 or an error, on the pool's threads; returns 0 or one of the errors.
template <typename Body>
int parallel_for(int count, Body &body) noexcept {
    if (count == 1) return body(0);  // no hand-off to the pool
    const auto call = [](void *, int index, std::uint8_t *closure) { return (*reinterpret_cast<Body *>(closure))(index); };
    return halide_do_par_for(nullptr, call, 0, count, reinterpret_cast<std::uint8_t *>(&body));
}

/// Two loops in one fork and join: first(worker, 0) … first(worker, firsts - 1), and when all have returned second(0) … second(seconds - 1),
/// each 0 or an error. Each of `workers` takes the next index that is free. After an error nothing new begins.
///
/// No worker waits for one that may not run yet: an index is taken by a thread that is already running.
template <typename First, typename Second>
int parallel_phases(int workers, int firsts, const First &first, int seconds, const Second &second) noexcept {
    std::atomic<int> next_first{0}, done{0}, next_second{0}, error{0};
    const auto run = [&](const auto &body, int index) {
        if (error.load(std::memory_order_relaxed) != 0) return;
        if (const int code = body(index); code != 0) error.store(code, std::memory_order_relaxed);
    };
    auto work = [&](int worker) {
        for (int index = next_first++; index < firsts; index = next_first++) {
            run([&](int i) { return first(worker, i); }, index);
            done.fetch_add(1, std::memory_order_release);
        }
        constexpr int spins_before_yield = 1000;
        for (int spins = 0; done.load(std::memory_order_acquire) < firsts; spins++) {
            if (spins > spins_before_yield) std::this_thread::yield();
        }
        for (int index = next_second++; index < seconds; index = next_second++) run(second, index);
        return error.load();
    };
    return parallel_for(workers, work);
}

}  // namespace castnet

// Parallel loops on Halide's own thread pool, which an embedder may replace (halide_set_custom_do_par_for).
#pragma once

#include <HalideRuntime.h>

#include <cstdint>

namespace castnet {

/// Sets the size of the pool, the calling thread included.
inline void use_threads(int threads) {
    halide_set_num_threads(threads);
}

/// Calls body(0) … body(count - 1), each an int that is 0 or an error, on the pool's threads; returns 0 or one of the errors.
template <typename Body>
int parallel_for(int count, Body &body) noexcept {
    const auto call = [](void *, int index, std::uint8_t *closure) { return (*reinterpret_cast<Body *>(closure))(index); };
    return halide_do_par_for(nullptr, call, 0, count, reinterpret_cast<std::uint8_t *>(&body));
}

}  // namespace castnet

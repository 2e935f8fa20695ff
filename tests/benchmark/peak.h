// What the machine can do at most, measured: the two roofs of the roofline model (Williams, Waterman & Patterson 2009).
#pragma once

#include <vector>

#include "tests/benchmark/stopwatch.h"

namespace castnet::benchmark {

/// The fused multiply-adds of `threads` threads of Halide's pool, on registers alone.
class FmaPeak {
public:
    explicit FmaPeak(int threads) : threads_(threads) {}
    void sample();
    [[nodiscard]] double flops_per_second() const { return flops_ / time_.seconds(); }

private:
    int threads_;
    double flops_ = 0;  // of a sample
    BestTime time_;
};

/// Copies of what fits the second-level cache, but not the first, on one thread: bytes read and written.
class CopyPeak {
public:
    void sample();
    [[nodiscard]] double bytes_per_second() const { return 2.0 * floats * sizeof(float) / time_.seconds(); }

private:
    static constexpr std::size_t floats = std::size_t{1} << 16U;
    std::vector<float> from_ = std::vector<float>(floats), to_ = std::vector<float>(floats);
    BestTime time_;
};

}  // namespace castnet::benchmark

// Measures the machine's peak arithmetic.
#pragma once

#include "train/machine/stopwatch.h"

namespace castnet {

/// Runs fused multiply-adds on `threads` threads of Halide's pool, on registers alone.
class FmaPeak {
public:
    explicit FmaPeak(int threads) : threads_(threads) {}
    /// Takes well under a millisecond.
    void sample();
    [[nodiscard]] double flops_per_second() const { return flops_ / time_.seconds(); }

private:
    int threads_;
    double flops_ = 0;  // per sample
    BestTime time_;
};

}  // namespace castnet

// Measures the machine's peak arithmetic.
#pragma once

#include "runtime/description.h"
#include "train/machine/stopwatch.h"

namespace castnet {

/// Runs multiply-adds, fused where the network's target has them, on `threads` threads of Halide's pool, on registers alone.
class FmaPeak {
public:
    FmaPeak(const NetworkDescription &network, int threads) : pipeline_(network.fma_peak), threads_(threads) {}
    /// Takes well under a millisecond.
    void sample();
    [[nodiscard]] double flops_per_second() const { return flops_ / time_.seconds(); }

private:
    Pipeline<FmaPeakOperands> pipeline_;
    int threads_;
    double flops_ = 0;  // per sample
    BestTime time_;
};

}  // namespace castnet

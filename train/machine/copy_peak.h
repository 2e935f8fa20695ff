// Measures the machine's peak memory bandwidth.
#pragma once

#include <vector>

#include "train/machine/stopwatch.h"

namespace castnet {

/// Copies memory on `threads` threads of Halide's pool, within `bytes` in all. The speed depends on which caches hold them.
class CopyPeak {
public:
    CopyPeak(std::size_t bytes, int threads)
        : threads_(threads),
          part_(bytes / (2 * sizeof(float)) / static_cast<std::size_t>(threads) + 1),
          from_(part_ * parts()),
          to_(from_) {}
    void sample();
    /// Counts bytes read and bytes written.
    [[nodiscard]] double bytes_per_second() const { return static_cast<double>(2 * sizeof(float) * from_.size()) / time_.seconds(); }

private:
    [[nodiscard]] std::size_t parts() const { return static_cast<std::size_t>(threads_); }

    int threads_;
    std::size_t part_;  // per thread, in floats
    std::vector<float> from_, to_;
    BestTime time_;
};

}  // namespace castnet

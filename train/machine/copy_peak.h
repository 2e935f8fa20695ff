// How fast the machine moves memory at most, measured.
#pragma once

#include <vector>

#include "train/machine/stopwatch.h"

namespace castnet {

/// Copies by `threads` threads of Halide's pool, within `bytes` of memory for all of them: how fast depends on which caches hold it.
class CopyPeak {
public:
    CopyPeak(std::size_t bytes, int threads)
        : threads_(threads),
          part_(bytes / (2 * sizeof(float)) / static_cast<std::size_t>(threads) + 1),
          from_(part_ * parts()),
          to_(from_) {}
    void sample();
    /// Read and written.
    [[nodiscard]] double bytes_per_second() const { return static_cast<double>(2 * sizeof(float) * from_.size()) / time_.seconds(); }

private:
    [[nodiscard]] std::size_t parts() const { return static_cast<std::size_t>(threads_); }

    int threads_;
    std::size_t part_;  // of a thread, in floats
    std::vector<float> from_, to_;
    BestTime time_;
};

}  // namespace castnet

// The roof of memory in the roofline model (Williams, Waterman & Patterson 2009); that of arithmetic is train/fma_peak.h.
#pragma once

#include <vector>

#include "train/stopwatch.h"

namespace castnet::benchmark {

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

#include "train/machine/copy_peak.h"

#include <algorithm>
#include <span>

#include "runtime/parallel.h"

namespace castnet {

void CopyPeak::sample() {
    use_threads(threads_);
    auto body = [&](int thread) {
        const std::size_t first = static_cast<std::size_t>(thread) * part_;
        std::ranges::copy(std::span(from_).subspan(first, part_), to_.begin() + static_cast<std::ptrdiff_t>(first));
        return 0;
    };
    // Enough calls to move 8 MB, so that the clock and the start of the threads do not count.
    const auto calls = static_cast<int>(1 + (std::size_t{1} << 20U) / from_.size());
    time_.sample(calls, [&] { parallel_for(nullptr, threads_, body); });
}

}  // namespace castnet

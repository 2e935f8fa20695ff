#include "tests/benchmark/copy_peak.h"

#include <algorithm>

namespace castnet::benchmark {

void CopyPeak::sample() {
    time_.sample(20, [&] { std::ranges::copy(from_, to_.begin()); });
}

}  // namespace castnet::benchmark

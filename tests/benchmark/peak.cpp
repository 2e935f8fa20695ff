#include "tests/benchmark/peak.h"

#include <algorithm>
#include <stdexcept>

#include "castnet_fma_peak.h"
#include "runtime/arguments.h"
#include "runtime/parallel.h"

namespace castnet::benchmark {

void FmaPeak::sample() {
    use_threads(threads_);
    std::vector<float> width(static_cast<std::size_t>(threads_));
    int steps = 20'000;
    auto body = [&](int thread) {
        float factor = 0.999F, addend = 0.001F, result = 0;
        return run(castnet_fma_peak_argv, steps, factor, addend, Operand(&result, {}),
                   Operand(&width[static_cast<std::size_t>(thread)], {}));
    };
    time_.sample(10, [&] {
        if (parallel_for(threads_, body) != 0) throw std::runtime_error("fma_peak failed");
    });
    flops_ = 2.0 * static_cast<double>(width.front()) * steps * threads_;
}

void CopyPeak::sample() {
    time_.sample(20, [&] { std::ranges::copy(from_, to_.begin()); });
}

}  // namespace castnet::benchmark

#include "train/fma_peak.h"

#include <vector>

#include "castnet_fma_peak.h"
#include "runtime/error.h"
#include "runtime/operand.h"
#include "runtime/parallel.h"

namespace castnet {

void FmaPeak::sample() {
    use_threads(threads_);
    std::vector<float> width(static_cast<std::size_t>(threads_));
    constexpr int steps = 20'000;
    auto body = [&](int thread) {
        float result = 0;
        return castnet_fma_peak(steps, 0.999F, 0.001F, Operand(&result, {}), Operand(&width[static_cast<std::size_t>(thread)], {}));
    };
    time_.sample(10, [&] {
        if (parallel_for(nullptr, threads_, body) != 0) throw Error("the pipeline fma_peak failed");
    });
    flops_ = 2.0 * static_cast<double>(width.front()) * steps * threads_;
}

}  // namespace castnet

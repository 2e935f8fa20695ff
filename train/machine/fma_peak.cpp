#include "train/machine/fma_peak.h"

#include <vector>

#include "runtime/failure.h"
#include "runtime/operand.h"
#include "runtime/parallel.h"
#include "runtime/pipelines.h"
#include "train/files/error.h"

namespace castnet {

void FmaPeak::sample() {
    use_threads(threads_);
    std::vector<float> width(static_cast<std::size_t>(threads_));
    constexpr int steps = 20'000;
    Failure failure;
    auto body = [&](int thread) {
        float result = 0;
        return pipeline_(failure, {.steps = steps,
                                   .factor = 0.999F,
                                   .addend = 0.001F,
                                   .result = Operand(&result, {}),
                                   .width = Operand(&width[static_cast<std::size_t>(thread)], {})});
    };
    time_.sample(10, [&] {
        if (parallel_for(&failure, threads_, body) != 0) throw Error(failure.message());
    });
    flops_ = 2.0 * static_cast<double>(width.front()) * steps * threads_;
}

}  // namespace castnet

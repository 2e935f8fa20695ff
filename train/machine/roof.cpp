#include "train/machine/roof.h"

#include <fmt/format.h>

#include <algorithm>

#include "train/machine/copy_peak.h"
#include "train/machine/fma_peak.h"

namespace castnet {
namespace {

constexpr double shortest_step = 20e-6;                      // in seconds; calls and barriers limit shorter ones
constexpr std::size_t most_copied = std::size_t{64} << 20U;  // beyond the caches

}  // namespace

Work training_work(const NetworkDescription &network, int images, int slots) {
    const auto pieces = static_cast<std::size_t>(ArenaLayout(network, images, 1).pieces), count = static_cast<std::size_t>(images);
    std::size_t floats = count * network.input.size();
    for (const LayerDescription &layer : network.layers) {
        const std::size_t gradients = layer.sums_over_batch() ? 1 : pieces;
        floats += layer.parameter_count() * (2 * gradients + 3 + 2 * static_cast<std::size_t>(slots)) + 4 * count * layer.output.size();
    }
    return {.flops = 2.0 * static_cast<double>(network.training_multiply_adds() * count),
            .bytes = static_cast<double>(floats * sizeof(float))};
}

std::string share_of_roof(const Work &step, const Roof &roof, double seconds) {
    const double computing = step.flops / roof.flops_per_second, moving = step.bytes / roof.bytes_per_second;
    const double least = std::max(computing, moving);
    if (least < shortest_step) return "";
    return fmt::format("{:.0f}% of the {}", 100 * least / seconds, computing >= moving ? "FMA peak" : "memory roof");
}

Roof measure_roof(const NetworkDescription &network, int batch_size, int threads) {
    FmaPeak fma(network, threads);
    CopyPeak copy(std::min(ArenaLayout(network, batch_size, threads).bytes(), most_copied), threads);
    for (int sample = 0; sample < 10; sample++) {
        fma.sample();
        copy.sample();
    }
    return {.flops_per_second = fma.flops_per_second(), .bytes_per_second = copy.bytes_per_second()};
}

}  // namespace castnet

#include "runtime/random.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace castnet {

std::uint64_t Random::next() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

std::uint32_t Random::below(std::uint32_t bound) {
    const std::uint32_t rejected = -bound % bound;  // 2³² mod bound
    for (;;) {
        const std::uint64_t product = (next() >> 32U) * bound;
        if (static_cast<std::uint32_t>(product) >= rejected) return static_cast<std::uint32_t>(product >> 32U);
    }
}

void shuffle(std::span<std::uint32_t> values, Random &random) {
    for (std::size_t i = values.size(); i > 1; i--) std::swap(values[i - 1], values[random.below(static_cast<std::uint32_t>(i))]);
}

void skip_shuffle(std::size_t values, Random &random) {
    for (std::size_t i = values; i > 1; i--) random.below(static_cast<std::uint32_t>(i));
}

int glorot_uniform(Network &network, Random &random) {
    for (std::size_t l = 0; l < network.description().layers.size(); l++) {
        const LayerDescription &layer = network.description().layers[l];
        const float area = static_cast<float>(layer.kernel_height) * static_cast<float>(layer.kernel_width);
        const float limit = std::sqrt(6.0F / (area * static_cast<float>(layer.input.channels + layer.output.channels)));
        std::ranges::generate(network.kernel(l), [&] { return limit * (2 * random.uniform() - 1); });
        std::ranges::fill(network.bias(l), 0.0F);
    }
    return network.weights_changed();
}

}  // namespace castnet

#include "runtime/corruption.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "runtime/random.h"

namespace castnet {

std::uint64_t Corruption::key_of(std::uint64_t key, std::uint64_t number) noexcept {
    return Random(Random(key).next() + number).next();
}

void Corruption::apply(std::size_t index, std::span<float> image) const noexcept {
    Random random(key_of(key, index));
    if (noise > 0) {
        // Two independent normal numbers from two uniform ones (Box & Muller 1958, "A note on the generation of random normal deviates").
        for (std::size_t i = 0; i < image.size(); i += 2) {
            const float radius = noise * std::sqrt(-2 * std::log(1 - random.uniform()));
            const float angle = 2 * std::numbers::pi_v<float> * random.uniform();
            image[i] = std::clamp(image[i] + radius * std::cos(angle), least, most);
            if (i + 1 < image.size()) image[i + 1] = std::clamp(image[i + 1] + radius * std::sin(angle), least, most);
        }
    }
    if (mask > 0) {
        const auto pixel = static_cast<std::size_t>(channels);
        for (; !image.empty(); image = image.subspan(pixel)) {
            if (random.uniform() < mask) std::ranges::fill(image.first(pixel), 0.0F);
        }
    }
}

}  // namespace castnet

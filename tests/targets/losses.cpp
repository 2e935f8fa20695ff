// Trains the default network on drawn images, and prints each step's loss, then a checksum of the weights: what machines are compared by.
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "mnist_cae.h"
#include "runtime/parallel.h"

namespace {

/// Draws blurred spots.
void draw(std::vector<float> &images, castnet::Random &random) {
    constexpr int height = mnist_cae::input.height, width = mnist_cae::input.width;
    auto pixel = images.begin();
    while (pixel != images.end()) {
        const float cy = random.uniform() * height, cx = random.uniform() * width;
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                const float dy = static_cast<float>(y) - cy, dx = static_cast<float>(x) - cx;
                *pixel++ = 1 / (1 + (dy * dy + dx * dx) / 9);
            }
        }
    }
}

/// Returns the FNV-1a hash of the weights' bits.
std::uint64_t hash(const std::vector<float> &weights) {
    std::uint64_t value = 0xcbf29ce484222325U;
    for (const float weight : weights) value = (value ^ std::bit_cast<std::uint32_t>(weight)) * 0x100000001b3U;
    return value;
}

}  // namespace

int main(int argc, char **argv) {
    const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
    castnet::use_threads(threads);
    mnist_cae::Autoencoder model({.batch_size = 16, .threads = threads});
    castnet::Random random(1);
    std::vector<float> images(16 * mnist_cae::input.size()), weights(mnist_cae::parameter_count);
    for (int step = 0; step < 15; step++) {
        draw(images, random);
        const castnet::StepResult result = model.step(images);
        if (result.error != 0) return std::puts(model.error_message()), 1;
        std::printf("%.9g\n", result.loss);
    }
    if (model.save(weights) != 0) return std::puts(model.error_message()), 1;
    std::printf("%016llx\n", static_cast<unsigned long long>(hash(weights)));
}

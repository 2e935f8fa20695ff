// A sensor on a machine: learns its vibration while it runs, then flags what it has not learned. No heap, no files, no exceptions.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "vibration.h"

namespace {

constexpr std::size_t window = vibration::input.size();
constexpr int batch = 16, learning_steps = 2000, judged_windows = 200;
alignas(64) std::array<std::byte, vibration::arena_bytes(batch)> arena;

using Window = std::array<float, window>;

/// A shaft's rotation with two harmonics, from a random moment on; a damaged bearing rings at each turn.
void measure(std::span<float> samples, bool damaged, std::minstd_rand &random) {
    std::normal_distribution<float> noise(0, 0.02F);
    const float turn = 64, start = std::uniform_real_distribution<float>(0, turn)(random);
    for (std::size_t i = 0; i < samples.size(); i++) {
        const float time = start + static_cast<float>(i), phase = 6.2831853F * time / turn, since_hit = std::fmod(time, turn);
        samples[i] = 0.5F * std::sin(phase) + 0.3F * std::sin(2 * phase) + 0.2F * std::sin(5 * phase) + noise(random);
        if (damaged) samples[i] += 0.4F * std::exp(-since_hit / 8) * std::sin(1.9F * since_hit);
    }
}

float surprise(vibration::Autoencoder &model, bool damaged, std::minstd_rand &random) {
    Window heard{}, expected{};
    measure(heard, damaged, random);
    if (model.reconstruct(heard, expected) != 0) std::exit(1);
    float error = 0;
    for (std::size_t i = 0; i < window; i++) error += (heard[i] - expected[i]) * (heard[i] - expected[i]);
    return error / window;
}

}  // namespace

int main() {
    std::minstd_rand random(1);
    vibration::Autoencoder model({.batch_size = batch}, arena);
    std::array<float, batch * window> heard{};
    for (int step = 0; step < learning_steps; step++) {
        for (std::size_t i = 0; i < batch; i++) measure(std::span(heard).subspan(i * window, window), false, random);
        if (model.step(heard).error != 0) return std::puts(model.error_message()), 1;
    }
    float threshold = 0;
    for (int i = 0; i < judged_windows; i++) threshold = std::max(threshold, surprise(model, false, random));
    int false_alarms = 0, found = 0;
    for (int i = 0; i < judged_windows; i++) false_alarms += surprise(model, false, random) > threshold ? 1 : 0;
    for (int i = 0; i < judged_windows; i++) found += surprise(model, true, random) > threshold ? 1 : 0;
    std::printf("threshold %.5f: %d of %d healthy windows flagged, %d of %d damaged ones\n", threshold, false_alarms, judged_windows, found,
                judged_windows);
    return found > judged_windows * 9 / 10 && false_alarms < judged_windows / 10 ? 0 : 1;
}

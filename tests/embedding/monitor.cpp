// A sensor on a machine: learns its vibration while it runs, then flags what it has not learned. No heap, no files, no exceptions.
#include <array>
#include <cmath>
#include <cstdio>
#include <random>

#include "runtime/detector.h"
#include "vibration.h"

namespace {

constexpr std::size_t window = vibration::input.size(), batch = 16;
constexpr int judged_windows = 200;
alignas(64) std::array<std::byte, vibration::arena_bytes(batch)> arena;
std::array<float, batch * window> heard;

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

/// Returns how many of some windows are given alarm on.
int count_alarms(castnet::Detector &detector, bool damaged, std::minstd_rand &random) {
    int alarms = 0;
    for (int i = 0; i < judged_windows; i++) {
        std::array<float, window> samples{};
        measure(samples, damaged, random);
        alarms += detector.detect(samples).is_alarm ? 1 : 0;
    }
    return alarms;
}

}  // namespace

int main() {
    std::minstd_rand random(1);
    vibration::Autoencoder model({.batch_size = batch}, arena);
    castnet::Detector detector(model, heard, {.windows_to_learn = 32'000, .windows_to_calibrate = 500});
    while (!detector.is_watching()) {
        std::array<float, window> samples{};
        measure(samples, false, random);
        if (detector.learn(samples) != 0) return std::puts(model.error_message()), 1;
    }
    const int false_alarms = count_alarms(detector, false, random), found = count_alarms(detector, true, random);
    std::printf("threshold %.5f: alarm on %d of %d healthy windows, %d of %d damaged ones\n", detector.threshold(), false_alarms,
                judged_windows, found, judged_windows);
    return found > judged_windows * 9 / 10 && false_alarms < judged_windows / 10 ? 0 : 1;
}

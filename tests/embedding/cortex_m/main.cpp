// A sensor on a microcontroller: learns a bearing's vibration from static memory, then gives alarm on what it has not learned. The same
// program runs on the host; there is no heap, no file and no thread.
#include <array>
#include <cstddef>
#include <span>

#include "bearing.h"
#include "console.h"
#include "runtime/detector.h"

namespace {

constexpr std::size_t window = bearing::input.size(), batch = 16;
constexpr int windows_to_learn = 4800, judged_windows = 100;
alignas(64) std::array<std::byte, bearing::arena_bytes(batch)> arena;
std::array<float, batch * window> heard;
using Window = std::array<float, window>;

/// Returns a triangle wave with a period of 64.
float triangle(unsigned time) {
    const unsigned place = time % 64;
    return static_cast<float>(place < 32 ? place : 63 - place) / 32;
}

/// A rotation with its third harmonic, from a random moment on; a damaged bearing rings at each turn.
Window measure(bool is_damaged, castnet::Random &random) {
    Window samples{};
    const unsigned start = random.below(64);
    for (unsigned i = 0; i < window; i++) {
        samples[i] = 0.7F * triangle(start + i) + 0.2F * triangle(3 * (start + i)) + 0.02F * random.uniform();
        if (is_damaged && (start + i) % 32 < 6) samples[i] += (start + i) % 2 == 0 ? 0.4F : -0.4F;
    }
    return samples;
}

int count_alarms(castnet::Detector &detector, bool is_damaged, castnet::Random &random) {
    int alarms = 0;
    for (int i = 0; i < judged_windows; i++) alarms += detector.detect(measure(is_damaged, random)).is_alarm ? 1 : 0;
    return alarms;
}

}  // namespace

int main() {
    castnet::Random random(1);
    bearing::Autoencoder model({.batch_size = batch, .optimizer = {.learning_rate = 3e-3F}}, arena);
    castnet::Detector detector(model, heard, {.windows_to_learn = windows_to_learn, .windows_to_calibrate = 200});
    castnet::Random same(2);
    const Window probe = measure(false, same);
    for (int learned = 0; !detector.is_watching(); learned++) {
        if (learned <= windows_to_learn && learned % (windows_to_learn / 12) == 0) {
            float loss = 0;
            if (model.losses(probe, std::span(&loss, 1)) != 0) return console::fail(model.error_message());
            console::print("loss ", loss);
        }
        if (detector.learn(measure(false, random)) != 0) return console::fail(model.error_message());
    }
    console::print("threshold ", static_cast<float>(detector.threshold()));
    const int false_alarms = count_alarms(detector, false, random), found = count_alarms(detector, true, random);
    console::print("false alarms ", static_cast<float>(false_alarms));
    console::print("found ", static_cast<float>(found));
    return false_alarms <= judged_windows / 20 && found >= judged_windows * 9 / 10 ? 0 : 1;
}

// Tests the detector, and the statistics that its threshold is made of.
#include "runtime/detector.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string_view>
#include <vector>

#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

constexpr std::size_t window_size = test_gap::input.size();
using Window = std::vector<float>;

/// Draws a wave of a random phase, with steps in it if it is damaged.
Window draw_window(Random &random, bool is_damaged = false) {
    const float phase = 6.28F * random.uniform();
    Window window(window_size);
    for (std::size_t i = 0; i < window_size; i++) {
        window[i] = 0.5F + 0.3F * std::sin(0.2F * float(i) + phase);
        if (is_damaged && i % 12 < 3) window[i] += 1;
    }
    return window;
}

TEST_CASE("streaming: mean and deviation are those of the formulas") {
    Random random(1);
    StreamingMoments moments;
    CHECK(moments.deviation() == 0);
    std::vector<double> numbers;
    for (int i = 0; i < 1000; i++) {
        numbers.push_back(1e6 + double(random.uniform()));  // far from 0, where Σx² - (Σx)²/n would lose all digits
        moments.add(numbers.back());
        if (i == 0) CHECK(moments.deviation() == 0);
    }
    const double mean = std::accumulate(numbers.begin(), numbers.end(), 0.0) / 1000;
    double squares = 0;
    for (const double number : numbers) squares += (number - mean) * (number - mean);
    CHECK(moments.count() == 1000);
    CHECK(moments.mean() == doctest::Approx(mean).epsilon(1e-12));
    CHECK(moments.deviation() == doctest::Approx(std::sqrt(squares / 999)).epsilon(1e-9));
}

TEST_CASE("streaming: up to five numbers give the quantile itself") {
    StreamingQuantile median(0.5), high(0.99);
    CHECK(median.value() == 0);
    for (const double number : {5.0, 1.0, 4.0}) {
        median.add(number);
        high.add(number);
    }
    CHECK(median.value() == 4);
    CHECK(high.value() == 5);
}

TEST_CASE("streaming: of many numbers, the share below the quantile is about right, also of rising and falling ones") {
    Random random(2);
    std::vector<double> numbers(4000);
    for (double &number : numbers) number = -std::log(1 - double(random.uniform()));  // exponential: a long tail
    const auto share_below = [&](double wanted) {
        StreamingQuantile quantile(wanted);
        for (const double number : numbers) quantile.add(number);
        const auto below = std::ranges::count_if(numbers, [&](double number) { return number < quantile.value(); });
        return double(below) / double(numbers.size());
    };
    for (const double wanted : {0.5, 0.9, 0.99}) CHECK(share_below(wanted) == doctest::Approx(wanted).epsilon(0.01));
    std::ranges::sort(numbers);
    for (const double wanted : {0.9, 0.99}) CHECK(share_below(wanted) == doctest::Approx(wanted).epsilon(0.06));
    std::ranges::reverse(numbers);
    for (const double wanted : {0.9, 0.99}) CHECK(share_below(wanted) == doctest::Approx(wanted).epsilon(0.06));
    StreamingQuantile constant(0.9);
    for (int i = 0; i < 100; i++) constant.add(7);
    CHECK(constant.value() == 7);
}

TEST_CASE("detector: learns, finds its threshold, and alarms on what it has not learned") {
    for (const double quantile : {0.0, 0.98}) {
        Autoencoder model(test_gap::network, {.batch_size = 16});
        std::vector<float> batch(16 * window_size);
        const DetectorOptions options{
            .windows_to_learn = 4000, .windows_to_calibrate = 200, .quantile = quantile, .votes = 2, .last_windows = 3};
        Detector detector(model, batch, options);
        Random random(3);
        for (int i = 0; i < 4200; i++) {
            REQUIRE_FALSE(detector.is_watching());
            CHECK(detector.detect(draw_window(random)).error != 0);
            REQUIRE(detector.learn(draw_window(random)) == 0);
        }
        REQUIRE(detector.is_watching());
        CHECK(detector.threshold() > 0);
        int false_alarms = 0, found = 0;
        for (int i = 0; i < 200; i++) false_alarms += detector.detect(draw_window(random)).is_alarm ? 1 : 0;
        for (int i = 0; i < 200; i++) {
            const Detection detection = detector.detect(draw_window(random, true));
            REQUIRE(detection.error == 0);
            CHECK(detection.is_unusual == (detection.score > float(detector.threshold())));
            found += detection.is_alarm ? 1 : 0;
        }
        CHECK(false_alarms < 10);
        CHECK(found > 190);
    }
}

TEST_CASE("detector: takes the model's steps, the last on what is left, and learns no more then") {
    constexpr int windows = 21;
    Autoencoder model(test_gap::network, {.batch_size = 8}), other(test_gap::network, {.batch_size = 8});
    std::vector<float> batch(8 * window_size), all;
    Detector detector(model, batch, {.windows_to_learn = windows});
    Random random(4);
    for (int i = 0; i < windows; i++) {
        const Window window = draw_window(random);
        all.insert(all.end(), window.begin(), window.end());
        REQUIRE(detector.learn(window) == 0);
    }
    for (const auto &[first, count] : {std::pair{0, 8}, {8, 8}, {16, 5}})
        REQUIRE(other.step(std::span(all).subspan(std::size_t(first) * window_size, std::size_t(count) * window_size)).error == 0);
    std::vector<float> ours(test_gap::parameter_count), theirs(test_gap::parameter_count);
    REQUIRE(detector.learn(draw_window(random)) == 0);  // calibrates
    REQUIRE(model.save(ours) == 0);
    REQUIRE(other.save(theirs) == 0);
    CHECK(ours == theirs);
    CHECK(model.optimizer().steps == 3);
}

TEST_CASE("detector: with loaded weights it only calibrates, in a model for inference") {
    Autoencoder trained(test_gap::network), model(test_gap::network, {.batch_size = 1, .purpose = Purpose::inference});
    std::vector<float> weights(test_gap::parameter_count);
    REQUIRE(trained.save(weights) == 0);
    REQUIRE(model.load(weights) == 0);
    Detector detector(model, {}, {.windows_to_learn = 0, .windows_to_calibrate = 3, .quantile = 0, .deviations = 0});
    Detector median(model, {}, {.windows_to_learn = 0, .windows_to_calibrate = 3, .quantile = 0.5});
    Random random(5);
    std::vector<float> windows;
    for (int i = 0; i < 3; i++) {
        const Window window = draw_window(random);
        windows.insert(windows.end(), window.begin(), window.end());
        REQUIRE(detector.learn(window) == 0);
        REQUIRE(median.learn(window) == 0);
    }
    std::array<float, 3> scores{};
    REQUIRE(trained.losses(windows, scores) == 0);
    CHECK(detector.threshold() == doctest::Approx((double(scores[0]) + scores[1] + scores[2]) / 3));
    CHECK(detector.detect(std::span(windows).first(window_size)).score == scores[0]);
    std::ranges::sort(scores);
    CHECK(median.threshold() == double(scores[1]));
}

TEST_CASE("detector: an alarm is enough unusual windows among the last ones, and no others") {
    Autoencoder model(test_gap::network, {.batch_size = 1, .purpose = Purpose::inference});
    const Window usual(window_size, 0.5F), unusual(window_size, 9);
    for (const int last : {3, 64}) {
        Detector detector(
            model, {},
            {.windows_to_learn = 0, .windows_to_calibrate = 2, .quantile = 0, .deviations = 1, .votes = 2, .last_windows = last});
        for (int i = 0; i < 2; i++) REQUIRE(detector.learn(usual) == 0);
        CHECK_FALSE(detector.detect(unusual).is_alarm);
        CHECK(detector.detect(unusual).is_alarm);
        for (int i = 2; i < last; i++) CHECK(detector.detect(usual).is_alarm);
        const Detection after = detector.detect(usual);  // the first one is forgotten
        CHECK_FALSE(after.is_unusual);
        CHECK_FALSE(after.is_alarm);
    }
}

TEST_CASE("detector: a window that is broken is an error while it learns, and unusual when it watches") {
    Autoencoder model(test_gap::network, {.batch_size = 2});
    std::vector<float> batch(2 * window_size);
    Detector detector(model, batch, {.windows_to_learn = 2, .windows_to_calibrate = 2, .votes = 1, .last_windows = 1});
    Random random(6);
    Window broken = draw_window(random);
    broken[7] = std::numeric_limits<float>::quiet_NaN();
    for (int i = 0; i < 4; i++) {
        CHECK(detector.learn(broken) != 0);
        CHECK(std::string_view(model.error_message()).find("infinite or NaN") != std::string_view::npos);
        CHECK(detector.learn(std::span(broken).first(window_size - 1)) != 0);
        REQUIRE(detector.learn(draw_window(random)) == 0);
    }
    REQUIRE(detector.is_watching());
    CHECK(std::isfinite(detector.threshold()));
    CHECK(detector.detect(std::span(broken).first(3)).error != 0);
    const Detection detection = detector.detect(broken);
    CHECK((detection.error != 0 || detection.is_alarm));
}

TEST_CASE("detector: what does not fit is an error of every call") {
    Autoencoder model(test_gap::network, {.batch_size = 4}), colours(test_colour::network), broken(test_gap::network, {.batch_size = 0});
    std::vector<float> batch(5 * window_size);
    const Window window(window_size);
    const auto refuses = [&](Autoencoder &with, std::size_t floats, const DetectorOptions &options, std::string_view why) {
        Detector detector(with, std::span(batch).first(floats), options);
        CAPTURE(why);
        CHECK_FALSE(detector.is_watching());
        CHECK(detector.learn(window) != 0);
        CHECK(std::string_view(with.error_message()).find(why) != std::string_view::npos);
        CHECK(detector.detect(window).error != 0);
    };
    for (const std::size_t floats : {std::size_t{0}, window_size - 1, window_size + 1, 5 * window_size})
        refuses(model, floats, {}, "whole windows");
    refuses(model, window_size, {.windows_to_learn = -1}, "windows to learn");
    refuses(model, window_size, {.windows_to_calibrate = 1}, "windows to learn");
    refuses(model, window_size, {.quantile = 1}, "quantile");
    refuses(model, window_size, {.quantile = std::numeric_limits<double>::quiet_NaN()}, "quantile");
    refuses(model, window_size, {.deviations = std::numeric_limits<double>::infinity()}, "deviations");
    refuses(model, window_size, {.votes = 6, .last_windows = 5}, "votes");
    refuses(model, window_size, {.votes = 0}, "votes");
    refuses(model, window_size, {.votes = 1, .last_windows = 65}, "votes");
    refuses(colours, window_size, {}, "another shape");
    refuses(broken, window_size, {}, "batch");
}

}  // namespace
}  // namespace castnet::test

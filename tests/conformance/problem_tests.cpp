// The conformance run's own parts: its problems as text, what it draws, how it shrinks, and that it finds what is wrong.
#include <doctest/doctest.h>

#include "tests/conformance/check.h"
#include "tests/conformance/draw.h"
#include "tests/conformance/pipelines.h"
#include "tests/conformance/shrink.h"

namespace castnet::test {
namespace {

TEST_CASE("conformance: a problem is one line of text") {
    std::mt19937 random(3);
    for (int i = 0; i < 100; i++) {
        const Problem problem = draw(random);
        CHECK(Problem::parse(problem.text()) == problem);
    }
    CHECK_THROWS_WITH_AS(Problem::parse("conv2d 3x3x1 kernel=4x4"), "the kernel is larger than the input: conv2d 3x3x1 kernel=4x4",
                         std::runtime_error);
    CHECK_THROWS_AS(Problem::parse("conv2d 3x3x1 groups=2"), std::runtime_error);
    CHECK_THROWS_AS(Problem::parse("conv2d 3x3x1 kernel=3"), std::runtime_error);
}

TEST_CASE("conformance: every extreme is drawn") {
    std::mt19937 random(1);
    std::map<std::string, std::pair<int, int>> ranges;
    const auto see = [&](const std::string &name, int value) {
        auto &[least, most] = ranges.try_emplace(name, value, value).first->second;
        least = std::min(least, value);
        most = std::max(most, value);
    };
    int strides_above_kernel = 0;
    for (int i = 0; i < 2000; i++) {
        const Problem problem = draw(random);
        const Layer &layer = problem.layer;
        see("pixels", layer.input.height), see("pixels", layer.input.width);
        see("channels in", layer.input.channels), see("channels out", layer.filters);
        see("kernel", layer.kernel_height), see("kernel", layer.kernel_width);
        see("images", problem.images);
        if (layer.stride_y > layer.kernel_height) strides_above_kernel++;
    }
    CHECK(ranges ==
          std::map<std::string, std::pair<int, int>>{
              {"pixels", {1, 40}}, {"channels in", {1, 130}}, {"channels out", {1, 130}}, {"kernel", {1, 7}}, {"images", {1, 9}}});
    CHECK(strides_above_kernel > 100);
}

TEST_CASE("conformance: a failure shrinks to the smallest that still fails") {
    const Problem problem = Problem::parse(
        "conv2d 21x40x65 filters=17 kernel=5x3 stride=2x3 padding=same activation=relu images=9 decays=true schedule=random:7");
    const auto fails = [](const Problem &p) { return p.layer.filters >= 3 && p.layer.input.width * p.images >= 24; };
    const Problem smallest = shrink(problem, fails, std::chrono::hours(1));
    CHECK(fails(smallest));
    CHECK(smallest.layer.filters == 3);
    CHECK(smallest.layer.input.width * smallest.images == 24);
    CHECK(smallest.text().find("kernel=1x1 stride=1x1 padding=valid activation=linear images=1 decays=false schedule=default") !=
          std::string::npos);
}

TEST_CASE("conformance: integers leave few sums zero, be they ever so short or long") {
    for (const char *text : {"conv2d 1x1x1", "conv2d 5x4x1 filters=2 kernel=2x1 pass=backward_data", "conv2d 8x8x130 kernel=7x7 filters=2",
                             "conv2d_transpose 40x40x1 kernel=2x2 images=9 pass=backward_weights"}) {
        CAPTURE(text);
        const Findings findings = check(Problem::parse(text));
        CHECK(findings.first_mismatch == "");
        CHECK(findings.nonzero_share() > 0.9);
    }
}

TEST_CASE("conformance: a schedule that the shape cannot have is refused") {
    CHECK_THROWS_AS(check(Problem::parse("conv2d 4x4x3 filters=8 kernel=3x3 schedule=method=channels,unroll=2")), Refused);
}

}  // namespace
}  // namespace castnet::test

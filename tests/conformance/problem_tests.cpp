// Tests the conformance run itself: problems as text, drawing, shrinking, and that it finds errors.
#include <doctest/doctest.h>

#include "tests/conformance/check.h"
#include "tests/conformance/draw.h"
#include "tests/conformance/pipelines.h"
#include "tests/conformance/shrink.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

TEST_CASE("conformance: a problem is one line of text") {
    std::mt19937 random(3);
    for (int i = 0; i < 100; i++) {
        const Problem problem = draw(random);
        CHECK(Problem::parse(problem.text()) == problem);
    }
    const std::string example = "; one is conv2d 28x28x1 filters=32 kernel=3 images=2 pass=forward";
    for (const auto &[text, message] : std::map<std::string, std::string>{
             {"conv2d 3x3x1 filters=1 kernel=4x3", "the kernel's height 4 is larger than the input's 3; it may be at most 3 here"},
             {"conv2d 3x3x1 filters=1", "kernel is missing; add kernel=3, say"},
             {"conv2d 3x3x1 filters=1 kernel=3 l2=1", "'conv2d filters=1 kernel=3 l2=1' has no meaning in a problem" + example},
             {"conv2d 3x3x1 filters=1 kernel=3 images=0", "'0' has no meaning in a problem" + example},
             {"conv2d 9x9x1 filters=1 kernel=3 upsampled=2x3", "'upsampled=2x3' has no meaning in a problem" + example},
             {"conv2d 3x3x1 filters=1 kernel=3 pass=all", "'all' has no meaning in a problem" + example},
             {"dense 3x3x1 filters=1 kernel=3", "'dense 3x3x1 filters=1 kernel=3' has no meaning in a problem" + example},
             {"conv2d 3x3x1 filters=1 kernel=3 decays=true pass=adjoint",
              "pass=adjoint is of linear layers without decay: conv2d 3x3x1 filters=1 kernel=3 decays=true pass=adjoint"}})
        CHECK_THROWS_WITH_AS(Problem::parse(text), message.c_str(), Error);
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
        const Window &y = layer.statement.y, &x = layer.statement.x;
        see("pixels", layer.input.height), see("pixels", layer.input.width);
        see("channels in", layer.input.channels), see("channels out", layer.output.channels);
        see("kernel", y.kernel), see("kernel", x.kernel);
        see("before", y.before), see("after", x.after);
        see("images", problem.images);
        if (y.stride > y.kernel) strides_above_kernel++;
    }
    CHECK(ranges == std::map<std::string, std::pair<int, int>>{{"pixels", {1, 40}},
                                                               {"channels in", {1, 130}},
                                                               {"channels out", {1, 130}},
                                                               {"kernel", {1, 7}},
                                                               {"before", {0, 6}},
                                                               {"after", {0, 6}},
                                                               {"images", {1, 9}}});
    CHECK(strides_above_kernel > 100);
}

/// Classifies the problem's geometry: how it is padded, and whether output= differs from the layer's natural size.
std::string geometry_of(const Problem &problem) {
    const LayerStatement &s = problem.layer.statement;
    const bool is_lopsided = s.y.before != s.y.after && s.x.before != s.x.after;
    if (problem.layer.description().takes_in_upsample()) return "upsampled";
    std::string padding = s.y.padding == PaddingMode::same ? "same" : "valid";
    if (s.y.padding == PaddingMode::numbers) padding = is_lopsided ? "lopsided" : "numbers";
    const bool asks = s.output && (s.y.large_extent(problem.layer.input.height) != s.output->height ||
                                   s.x.large_extent(problem.layer.input.width) != s.output->width);
    return padding + (asks ? " output" : "");
}

TEST_CASE("conformance: every padding and output= is drawn for every pass of both layers, and once more by the same seed") {
    std::mt19937 random(1), again(1);
    std::map<std::string, int> drawn;
    for (int i = 0; i < 3000; i++) {
        const Problem problem = draw(random);
        CHECK(draw(again) == problem);
        drawn[std::string(name_of(problem.layer.statement.kind)) + " " + pass_names[std::size_t(problem.pass)] + " " +
              geometry_of(problem)]++;
    }
    for (const std::string &pass : pass_names) {
        for (const char *geometry :
             {"conv2d P valid", "conv2d P same", "conv2d P lopsided", "conv2d P upsampled", "conv2d_transpose P valid",
              "conv2d_transpose P same", "conv2d_transpose P lopsided", "conv2d_transpose P valid output", "conv2d_transpose P same output",
              "conv2d_transpose P lopsided output"}) {
            std::string key = geometry;
            key.replace(key.find('P'), 1, pass);
            CAPTURE(key);
            CHECK(drawn[key] >= 10);
        }
    }
}

TEST_CASE("conformance: a failure shrinks to the smallest that still fails") {
    const Problem problem = Problem::parse(
        "conv2d 21x40x65 filters=17 kernel=5x3 stride=2x3 padding=same activation=relu images=9 decays=true schedule=random:7");
    const auto fails = [](const Problem &p) { return p.layer.output.channels >= 3 && p.layer.input.width * p.images >= 24; };
    const Problem smallest = shrink(problem, fails, std::chrono::hours(1));
    CHECK(fails(smallest));
    CHECK(smallest.layer.output.channels == 3);
    CHECK(smallest.layer.input.width * smallest.images == 24);
    CHECK(smallest.text().find("kernel=1x1 stride=1x1 padding=valid activation=linear images=1 decays=false schedule=default") !=
          std::string::npos);
}

TEST_CASE("conformance: an upsampled problem shrinks to one") {
    const Problem problem = Problem::parse("conv2d 24x18x9 filters=7 kernel=5x4 padding=2,1,3,0 upsampled=4x3 images=2");
    const auto fails = [](const Problem &p) { return p.layer.upsampled_y == 4; };
    CHECK(
        shrink(problem, fails, std::chrono::hours(1)).text() ==
        "conv2d 4x1x1 filters=1 kernel=2x1 stride=1x1 padding=valid activation=linear upsampled=4x1 images=1 decays=false schedule=default "
        "pass=forward");
}

TEST_CASE("conformance: padding in numbers and output= shrink too") {
    const Problem problem = Problem::parse("conv2d_transpose 9x8x3 filters=2 kernel=5x4 stride=3x2 padding=2,1,3,0 output=27x16 images=2");
    const auto fails = [](const Problem &p) {
        const LayerStatement &s = p.layer.statement;
        return s.x.before > 1 && s.output && s.output->height != s.y.large_extent(p.layer.input.height);
    };
    CHECK(fails(problem));
    CHECK(shrink(problem, fails, std::chrono::hours(1)).text() ==
          "conv2d_transpose 1x1x1 filters=1 kernel=1x3 stride=2x1 padding=0,0,2,0 output=2x1 activation=linear images=1 decays=false "
          "schedule=default pass=forward");
}

TEST_CASE("conformance: integers leave few sums zero, be they ever so short or long") {
    for (const char *text :
         {"conv2d 1x1x1 filters=1 kernel=1", "conv2d 5x4x1 filters=2 kernel=2x1 pass=backward_data", "conv2d 8x8x130 kernel=7x7 filters=2",
          "conv2d_transpose 40x40x1 filters=1 kernel=2 images=9 pass=backward_weights"}) {
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

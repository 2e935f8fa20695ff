// Compares every contraction with the naive reference, through Halide's JIT, on difficult shapes: both layer kinds, all three passes.
#include <doctest/doctest.h>

#include "tests/conformance/check.h"
#include "tests/conformance/pipelines.h"

namespace castnet::test {
namespace {

// input h w c, filters, kernel h w, stride y x, images
std::vector<Problem> problems(Pass pass) {
    struct Row {
        Shape input;
        int filters, kh, kw, sy, sx, images;
    };
    static const std::vector<Row> rows{
        {{28, 28, 1}, 32, 3, 3, 2, 2, 2},   // the default network's layers
        {{14, 14, 32}, 64, 3, 3, 2, 2, 1},  //
        {{7, 7, 64}, 2, 7, 7, 1, 1, 3},     //
        {{14, 14, 32}, 1, 7, 7, 2, 2, 1},   //
        {{1, 1, 2}, 64, 7, 7, 1, 1, 3},     //
        {{1, 1, 1}, 1, 1, 1, 1, 1, 1},      // the smallest
        {{5, 5, 1}, 1, 3, 3, 1, 1, 3},      //
        {{9, 7, 3}, 5, 3, 2, 1, 2, 3},      // odd, rectangular
        {{17, 23, 2}, 33, 5, 3, 2, 3, 1},   // channels one above a vector
        {{6, 8, 33}, 3, 3, 3, 1, 1, 3},     //
        {{6, 5, 70}, 17, 2, 3, 2, 1, 1},    // channels that vectors do not divide
        {{4, 4, 16}, 70, 3, 3, 1, 1, 3},    //
        {{11, 13, 4}, 6, 2, 2, 3, 3, 3},    // stride above the kernel
        {{12, 10, 9}, 2, 1, 1, 2, 4, 1},    //
        {{8, 9, 1}, 1, 2, 3, 3, 5, 3},      //
        {{7, 19, 1}, 8, 7, 1, 1, 1, 1},     // a column of a kernel
        {{6, 40, 2}, 3, 1, 9, 1, 2, 3},     // wide
        {{2, 2, 10}, 12, 2, 2, 1, 1, 3},    // few positions, many taps
        {{2, 3, 5}, 4, 2, 3, 5, 4, 1},      //
        {{3, 3, 8}, 7, 3, 3, 3, 3, 1},      //
        {{5, 37, 20}, 24, 3, 3, 1, 1, 3},   // several tiles a row, with channels for vectors
        {{9, 30, 16}, 3, 5, 5, 2, 2, 3},    //
        {{4, 3, 18}, 20, 4, 5, 1, 1, 1},    // a kernel larger than the grid
        {{8, 6, 3}, 20, 7, 6, 2, 1, 1},     // a kernel one row short of the grid
        {{2, 2, 10}, 12, 3, 2, 1, 1, 3},    // as many rows as its padding allows, and one column more
        {{3, 10, 16}, 1, 3, 10, 1, 1, 3},   // one pixel from a kernel wider than the accumulators
        {{1, 1, 70}, 33, 1, 1, 1, 1, 9},    // a product of matrices: tiles of images, of which the last is shifted inwards
        {{3, 2, 20}, 17, 3, 2, 1, 1, 17},   //
        {{1, 1, 5}, 40, 4, 3, 2, 1, 8},     //
    };
    std::vector<Problem> problems;
    for (const Row &row : rows) {
        for (const LayerKind kind : {LayerKind::conv2d, LayerKind::conv2d_transpose}) {
            for (const PaddingMode padding : {PaddingMode::valid, PaddingMode::same, PaddingMode::numbers}) {
                Problem problem{.layer = {}, .images = row.images, .decays = row.images == 3, .schedule = "default", .pass = pass};
                problem.layer.input = row.input;
                LayerStatement &s = problem.layer.statement;
                s.kind = kind, s.filters = row.filters, s.activation = activation_names[problems.size() % activation_names.size()];
                s.y = {row.kh, row.sy, padding}, s.x = {row.kw, row.sx, padding};
                if (padding == PaddingMode::numbers) s.y.before = row.kh - 1, s.x.after = row.kw - 1;  // the most that is allowed
                if (const auto placed = problem.placed()) problems.push_back(*placed);
            }
        }
    }
    return problems;
}

void check_agreement(const Problem &problem) {
    CAPTURE(problem.text());  // for `conformance --case`
    const Findings findings = check(problem);
    CHECK(findings.first_mismatch == "");
}

void check_all(Pass pass) {
    for (const Problem &problem : problems(pass)) check_agreement(problem);
}

/// Checks random schedules of the autotuner's space.
void check_random_schedules(Pass pass) {
    std::vector<Problem> all = problems(pass);
    for (std::size_t i = 0; i < all.size(); i += 2) {  // half of them are enough, as each compiles its own pipelines
        all[i].schedule = "random:" + std::to_string(i);
        check_agreement(all[i]);
    }
}

TEST_CASE("contractions: forward agrees with the formula") {
    check_all(Pass::forward);
}
TEST_CASE("contractions: backward_data agrees with the formula") {
    check_all(Pass::backward_data);
}
TEST_CASE("contractions: backward_weights agrees with the formula") {
    check_all(Pass::backward_weights);
}
TEST_CASE("contractions: forward agrees with the formula under any schedule") {
    check_random_schedules(Pass::forward);
}
TEST_CASE("contractions: backward_data agrees with the formula under any schedule") {
    check_random_schedules(Pass::backward_data);
}
TEST_CASE("contractions: backward_weights agrees with the formula under any schedule") {
    check_random_schedules(Pass::backward_weights);
}
TEST_CASE("contractions: Winograd's products are those of the formula, at odd sizes, with any padding and any epilogue") {
    for (const std::string kind : {"conv2d ", "conv2d_transpose "}) {
        for (const std::string layer :
             {"5x6x17 filters=35 kernel=3x3 padding=same images=2", "8x7x32 filters=33 kernel=3x3 images=3",
              "4x9x48 filters=16 kernel=3x3 padding=0x1", "7x8x16 filters=17 kernel=2x2 padding=same",
              "9x14x17 filters=32 kernel=4x4 stride=2x2 padding=same images=2", "13x11x16 filters=18 kernel=5x3 stride=2x1 padding=2x0",
              "11x8x18 filters=16 kernel=6x4 stride=3x2 images=3"}) {
            for (const char *pass :
                 {" pass=forward activation=softmax", " pass=forward activation=gelu", " pass=backward_data activation=softmax",
                  " pass=backward_data activation=tanh", " pass=backward_weights decays=true", " pass=adjoint"})
                check_agreement(Problem::parse(kind + layer + " schedule=method=winograd" + pass));
        }
    }
    for (const char *block : {"2", "8"})
        check_agreement(
            Problem::parse("conv2d 15x6x16 filters=32 kernel=3x3 pass=forward schedule=method=winograd,block=" + std::string(block)));
    // Kernels whose transforms fit on the stack in parts.
    for (const char *pass : {"forward", "backward_data", "backward_weights"})
        check_agreement(
            Problem::parse("conv2d 6x6x96 filters=96 kernel=4x4 stride=2x2 schedule=method=winograd pass=" + std::string(pass)));
}

TEST_CASE("contractions: a choice that a method does not have is refused") {
    const std::string layer = " 9x7x8 filters=4 kernel=3x3 stride=2x2 padding=same pass=forward schedule=", conv2d = "conv2d" + layer,
                      transpose = "conv2d_transpose" + layer;
    for (const char *schedule : {"method=reduction,unroll=2", "method=reduction,block=1"})
        CHECK_THROWS_AS(check(Problem::parse(conv2d + schedule)), Refused);
    for (const char *schedule : {"method=reduction,unroll=2", "method=reduction,padding=stage", "method=positions,block=1"})
        CHECK_THROWS_AS(check(Problem::parse(transpose + schedule)), Refused);
}

TEST_CASE("contractions: tables of earlier searches stay legal, where they name what the sum of a batch ignores") {
    check_agreement(
        Problem::parse("conv2d 9x7x8 filters=4 kernel=3x3 stride=2x2 padding=same images=3 pass=backward_weights "
                       "schedule=method=small,sums=batch,padding=stage,block=5"));
}

}  // namespace
}  // namespace castnet::test

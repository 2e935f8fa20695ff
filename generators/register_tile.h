// How many accumulators a contraction keeps in registers, and of what shape. The reduction runs outside the tile, so each of its steps
// loads `vectors + points` operands for `vectors · points` fused multiply-adds.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "Halide.h"
#include "element.h"

namespace castnet {

/// Accumulators that fit beside the operands: of 32 registers (AVX-512, NEON) 28, of 16 (AVX2, SSE, WebAssembly) 12.
inline int accumulator_budget(const Halide::Target &target) {
    const bool has_32_registers = target.has_feature(Halide::Target::AVX512) || target.has_feature(Halide::Target::AVX512_Skylake) ||
                                  (target.arch == Halide::Target::ARM && target.bits == 64);
    return has_32_registers ? 28 : 12;
}

/// How many of `each` cover `all`.
inline int ceil_div(int all, int each) {
    return (all + each - 1) / each;
}

/// The widest vector, a power of two, that is no wider than `extent`: the last vector of a row is shifted inwards instead of cut.
inline int lanes_within(int extent, int natural_lanes) {
    int lanes = natural_lanes;
    while (lanes > extent) lanes /= 2;
    return lanes;
}

/// A tile of `vectors` vectors by `points[0] · points[1] · points[2]` scalars that are broadcast against them.
struct RegisterTile {
    int vectors = 1;
    std::array<int, 3> points{1, 1, 1};

    /// "4x7x1x1": vectors, then points.
    [[nodiscard]] std::string text() const {
        std::string all = std::to_string(vectors);
        for (const int count : points) all += "x" + std::to_string(count);
        return all;
    }
};

/// Whether the tile's accumulators leave registers for the operands of a step, of budget + 4 registers. LLVM keeps a step's vectors in
/// registers, unless each is used once, and has one more for the broadcasts. Tiles that break this spill: on AVX-512 4x7, 7x4 and 9x3, on
/// AVX2 4x3, but not 3x4.
inline bool leaves_operands(const RegisterTile &tile, int budget) {
    const int broadcasts = tile.points[0] * tile.points[1] * tile.points[2];
    return tile.vectors * broadcasts + (broadcasts > 1 ? tile.vectors : 1) + 1 <= budget + 4;
}

/// The tiles by their estimated cycles, the fewest first.
inline std::vector<RegisterTile> sort_tiles(std::vector<std::pair<double, RegisterTile>> ranked) {
    std::ranges::stable_sort(ranked, {}, &std::pair<double, RegisterTile>::first);
    std::vector<RegisterTile> sorted;
    sorted.reserve(ranked.size());
    for (const auto &[cycles, tile] : ranked) sorted.push_back(tile);
    return sorted;
}

/// All tiles that fit, the one with the fewest estimated cycles to cover `extent` lanes by `points` first, of equal ones the one with the
/// fewest rows. A step of the reduction costs what the busier of two FMA pipes or two load pipes needs, and never less than the 4 cycles of
/// an FMA's latency that its accumulators must hide. Where the vectors of all `steps` of the reduction exceed a first-level cache, they
/// come from the second-level one for every tile, which limits a step too.
inline std::vector<RegisterTile> rank_register_tiles(int extent, int lanes, const std::array<int, 3> &points, int budget, int64_t steps) {
    constexpr int64_t first_level_bytes = 32 << 10, second_level_bytes_per_cycle = 32;
    std::vector<std::pair<double, RegisterTile>> ranked;
    RegisterTile tile;
    auto &[px, py, pz] = tile.points;
    for (tile.vectors = 1; tile.vectors * lanes <= extent && tile.vectors <= budget; tile.vectors++) {
        for (pz = 1; pz <= points[2] && tile.vectors * pz <= budget; pz++) {
            for (py = 1; py <= points[1] && tile.vectors * py * pz <= budget; py++) {
                for (px = 1; px <= points[0] && tile.vectors * px * py * pz <= budget; px++) {
                    if (!leaves_operands(tile, budget)) continue;
                    const int broadcasts = px * py * pz;
                    const int64_t bytes = int64_t{tile.vectors} * lanes * static_cast<int64_t>(sizeof(Element));
                    const double load = bytes * steps > first_level_bytes ? double(bytes) / second_level_bytes_per_cycle : 0;
                    const double step = std::max({tile.vectors * broadcasts / 2.0, (tile.vectors + broadcasts) / 2.0, 4.0, load});
                    const double overhead = 0.5;  // of the loop around a step: prefers the larger of two equal tiles
                    const int64_t count = int64_t{ceil_div(extent, tile.vectors * lanes)} * ceil_div(points[0], px) *
                                          ceil_div(points[1], py) * ceil_div(points[2], pz);
                    ranked.emplace_back(static_cast<double>(count) * (step + overhead), tile);
                }
            }
        }
    }
    return sort_tiles(std::move(ranked));
}

/// The loops over a grid's tiles and those within one: of channels, columns and rows.
struct TileLoops {
    Halide::Var co, ci, xo, xi, yo, yi;
};

/// Cuts the loops c, x, y of `stage` into tiles of vectors of `lanes` by columns by rows, unrolled. The loops over tiles run in the order
/// of `outer`, the innermost first, which may hold others of the stage's.
inline void cut_into_tiles(Halide::Stage stage, const RegisterTile &tile, int lanes, const std::array<Halide::Var, 3> &channel_column_row,
                           const TileLoops &loops, const std::vector<Halide::Var> &outer) {
    const auto &[c, x, y] = channel_column_row;
    std::vector<Halide::VarOrRVar> order{loops.ci, loops.xi, loops.yi};
    order.insert(order.end(), outer.begin(), outer.end());
    stage.split(c, loops.co, loops.ci, tile.vectors * lanes)
        .split(x, loops.xo, loops.xi, tile.points[0])
        .split(y, loops.yo, loops.yi, tile.points[1])
        .reorder(order)
        .vectorize(loops.ci, lanes)
        .unroll(loops.ci)
        .unroll(loops.xi)
        .unroll(loops.yi);
}

/// Keeps the tile of `sum` in registers inside the loop `tile` of its consumer: vectors of `lanes` along `lane`, `points` beside them, all
/// unrolled. The loops of the update's `reduction`, the innermost first, run around them.
inline void accumulate_in_registers(Halide::Func &sum, const Halide::LoopLevel &tile, const Halide::Var &lane, int lanes,
                                    const std::vector<Halide::Var> &points, const std::vector<Halide::RVar> &reduction) {
    sum.compute_at(tile).store_in(Halide::MemoryType::Register);
    std::vector<Halide::VarOrRVar> order{lane};
    order.insert(order.end(), points.begin(), points.end());
    order.insert(order.end(), reduction.begin(), reduction.end());
    sum.update().reorder(order);
    for (Halide::Stage stage : {Halide::Stage(sum), sum.update()}) {
        stage.vectorize(lane, lanes).unroll(lane);
        for (const Halide::Var &point : points) stage.unroll(point);
    }
}

}  // namespace castnet

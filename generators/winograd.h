// Winograd's F(2x2, 3x3): a tile of 2x2 outputs of a correlation with a 3x3 kernel, which reads 4x4 inputs, takes 16 products a pair of
// channels instead of 36 (Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, 2015). With g the kernel and d the inputs
//
//     outputs = Aᵀ [(G g Gᵀ) · (Bᵀ d B)] A,    · element by element and summed over channels.
//
// All factors are 1, ½ and 0, so that small integers stay exact.
#pragma once

#include "Halide.h"
#include "element.h"
#include "register_tile.h"
#include "stack.h"

namespace castnet::winograd {

constexpr int outputs = 2, products = 4;  // along each axis of a tile

/// How many tiles cover so many outputs.
inline int tiles(int extent) {
    return ceil_div(extent, outputs);
}

/// A grid of channels, width, height and images as it is read: with zeros around it.
template <typename Grid>
auto with_zeros(const Grid &grid, const std::vector<int> &shape) {
    return [&grid, shape](const Halide::Expr &c, const Halide::Expr &x, const Halide::Expr &y, const Halide::Expr &n) {
        const Halide::Expr is_inside = x >= 0 && x < shape[1] && y >= 0 && y < shape[2];
        return select(is_inside, grid(c, clamp(x, 0, shape[1] - 1), clamp(y, 0, shape[2] - 1), n), element(0));
    };
}

// Element `row` of a matrix times the vector of at(0), at(1)…

/// Bᵀ: of four inputs.
template <typename At>
Halide::Expr of_inputs(const At &at, const Halide::Expr &row) {
    return select(row == 0, at(0) - at(2), row == 1, at(1) + at(2), row == 2, at(2) - at(1), at(1) - at(3));
}

/// G: of three taps.
template <typename At>
Halide::Expr of_taps(const At &at, const Halide::Expr &row) {
    const Halide::Expr half = element(0.5);
    return select(row == 0, at(0), row == 1, half * (at(0) + at(1) + at(2)), row == 2, half * (at(0) - at(1) + at(2)), at(2));
}

/// Aᵀ: two outputs of four products.
template <typename At>
Halide::Expr of_products(const At &at, const Halide::Expr &row) {
    return select(row == 0, at(0) + at(1) + at(2), at(1) - at(2) - at(3));
}

/// A: four products' gradients of two outputs'.
template <typename At>
Halide::Expr to_products(const At &at, const Halide::Expr &row) {
    return select(row == 0, at(0), row == 1, at(0) + at(1), row == 2, at(0) - at(1), -at(1));
}

/// Gᵀ: three taps' gradients of four transformed ones'.
template <typename At>
Halide::Expr to_taps(const At &at, const Halide::Expr &row) {
    const Halide::Expr half = element(0.5);
    return select(row == 0, at(0) + half * (at(1) + at(2)), row == 1, half * (at(1) - at(2)), half * (at(1) + at(2)) + at(3));
}

/// The columns of tiles that are stored for so many: an odd count. Where it is a power of two, all numbers of a tile would lie in one set
/// of the first-level cache (1.26 times as slow in kernel_gradient at 16x16x32, amd-25-17).
inline int stored_columns(int columns) {
    return columns / 2 * 2 + 1;
}

/// The numbers of so many columns and rows of tiles.
inline int64_t size(int channels, int columns, int rows) {
    return int64_t{products} * products * channels * stored_columns(columns) * rows;
}

/// The numbers of a transformed kernel.
inline int64_t kernel_size(int from_channels, int to_channels) {
    return int64_t{products} * products * from_channels * to_channels;
}

/// Keeps the 16 numbers of each tile, `numbers`(c, tx, ty, j, i, n), on the stack.
inline void keep_tiles(Halide::Func &numbers, const Halide::Var &tx, int channels, int columns, int rows) {
    numbers.align_storage(tx, stored_columns(columns));
    keep_on_stack(numbers, size(channels, columns, rows));
}

/// transformed(c, tx, ty, j, i, n), the 4x4 numbers of tile (tx, ty) of a grid(c, x, y, n), j along x. `transform`(at, row) is one of the
/// functions above, applied to the rows first.
class Tiles {
public:
    Halide::Func transformed{"tiles"};

    template <typename Grid, typename Transform>
    void define(const Grid &grid, const Transform &transform, int pad_x, int pad_y) {
        rows(c, x, ty, i, n) = transform([&](int d) { return grid(c, x, outputs * ty + d - pad_y, n); }, i);
        transformed(c, tx, ty, j, i, n) = transform([&](int d) { return rows(c, outputs * tx + d - pad_x, ty, i, n); }, j);
    }

    /// All 16 of a tile at once, in vectors of channels, inside the loop `level`, for so many columns and rows of tiles.
    void schedule(const Halide::LoopLevel &level, int channels, int natural_lanes, int columns, int rows_of_tiles) {
        const int lanes = lanes_within(channels, natural_lanes);
        transformed.compute_at(level).split(c, co, ci, lanes).reorder(ci, j, i, co, tx, ty).vectorize(ci).unroll(j).unroll(i);
        keep_tiles(transformed, tx, channels, columns, rows_of_tiles);
        rows.compute_at(transformed, co).store_in(Halide::MemoryType::Register).vectorize(c, lanes).unroll(x).unroll(i);
    }

private:
    const Halide::Var c{"c"}, x{"x"}, tx{"tx"}, ty{"ty"}, i{"i"}, j{"j"}, n{"n"}, co{"co"}, ci{"ci"};
    Halide::Func rows{"tile_rows"};
};

/// sums(c, x, y, n), a correlation of a grid(k, x, y, n) with a kernel(c, k, kx, ky).
class Correlation {
public:
    template <typename Grid, typename Kernel>
    void define(const Grid &grid, const Kernel &kernel, int channels, int pad_x, int pad_y) {
        inputs.define(
            grid, [](const auto &at, const Halide::Expr &row) { return of_inputs(at, row); }, pad_x, pad_y);
        weights(c, k, j, i) = of_taps([&](int ky) { return of_taps([&](int kx) { return kernel(c, k, kx, ky); }, j); }, i);
        r = Halide::RDom(0, channels);
        sum(c, tx, ty, j, i, n) = element(0);
        sum(c, tx, ty, j, i, n) += weights(c, r, j, i) * inputs.transformed(r, tx, ty, j, i, n);
        summed(c, tx, ty, j, i, n) = sum(c, tx, ty, j, i, n);
        rows(c, tx, ty, j, b, n) = of_products([&](int d) { return summed(c, tx, ty, j, d, n); }, b);
    }

    [[nodiscard]] Halide::Expr at(const Halide::Expr &channel, const Halide::Expr &x, const Halide::Expr &y,
                                  const Halide::Expr &image) const {
        return of_products([&](int d) { return rows(channel, x / outputs, y / outputs, d, y % outputs, image); }, x % outputs);
    }

    ///     weights = G kernel Gᵀ
    ///     for n                                   images
    ///       for yo                                blocks of rows of tiles
    ///         inputs = Bᵀ window B
    ///         for i, j, co, so, to                products of a tile; vectors of channels; tiles
    ///           sum[tile] = 0
    ///           for r                             channels of the grid that is read
    ///             sum[tile] += weights[vectors] · inputs[points]
    ///           summed[tile] = sum[tile]
    ///         for ty, xo, co                      tiles, vectors of channels
    ///           rows = Aᵀ summed
    ///           out = epilogue(rows A)
    void schedule(Halide::Func &stage, const RegisterTile &tile, int block, const std::vector<int> &from, const std::vector<int> &to,
                  int natural_lanes) {
        const int lanes = lanes_within(to[0], natural_lanes), columns = tiles(to[1]);
        const int rows_of_tiles = tiles(to[2]), channels = std::max(from[0], to[0]);
        // Whole blocks if that is possible, and on the stack.
        int block_rows = std::min(rows_of_tiles, tile.points[1] * std::max(1, block));
        while (block_rows > tile.points[1] && (rows_of_tiles % block_rows != 0 || size(channels, columns, block_rows) > most_on_stack))
            block_rows--;
        const Halide::Var x("x"), y("y");
        stage.split(y, yo, y, outputs * block_rows, Halide::TailStrategy::GuardWithIf)
            .split(y, y, yb, outputs)
            .split(x, x, xb, outputs, Halide::TailStrategy::GuardWithIf)
            .split(c, co, ci, lanes)
            .reorder(ci, xb, yb, co, x, y, yo, n)
            .vectorize(ci)
            .unroll(xb)
            .unroll(yb);
        weights.compute_root().vectorize(c, lanes).unroll(j).unroll(i).reorder(c, j, i, k);
        keep_on_stack(weights, kernel_size(from[0], to[0]));
        inputs.schedule({stage, yo}, from[0], natural_lanes, columns, block_rows);
        cut_into_tiles(summed.compute_at(stage, yo), tile, lanes, {c, tx, ty}, {co, ci, tx, txi, ty, tyi}, {tx, ty, co, j, i});
        keep_tiles(summed, tx, to[0], columns, block_rows);
        accumulate_in_registers(sum, {summed, tx}, c, lanes, {tx, ty}, {r.x});
        if (from[0] % 2 == 0) sum.update().unroll(r.x, 2);
        rows.compute_at(stage, co).store_in(Halide::MemoryType::Register).vectorize(c, lanes).unroll(j).unroll(b);
    }

private:
    Halide::Var c{"c"}, k{"k"}, tx{"tx"}, ty{"ty"}, i{"i"}, j{"j"}, b{"b"}, n{"n"};
    Halide::Var co{"co"}, ci{"ci"}, txi{"txi"}, tyi{"tyi"}, yo{"yo"}, yb{"yb"}, xb{"xb"};
    Tiles inputs;
    Halide::Func weights{"weights"}, sum{"sum"}, summed{"summed"}, rows{"product_rows"};
    Halide::RDom r;
};

}  // namespace castnet::winograd

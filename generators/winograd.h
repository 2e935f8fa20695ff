// Winograd's F(2x2, 3x3) and F(3x3, 2x2): a tile of 2x2 outputs of a correlation with a 3x3 kernel, or of 3x3 outputs with a 2x2 kernel,
// reads 4x4 inputs and takes 16 products a pair of channels instead of 36 (Lavin & Gray, Fast Algorithms for Convolutional Neural Networks,
// 2015). With g the kernel and d the inputs
//
//     outputs = Aᵀ [(G g Gᵀ) · (Bᵀ d B)] A,    · element by element and summed over channels.
//
// All factors are 1, ½ and 0, so that small integers stay exact.
//
// A stride of s makes s·s phases: with a stride of 2 a 4x4 kernel is four of 2x2, each of which reads every second pixel of the large grid,
// or makes it.
#pragma once

#include "Halide.h"
#include "element.h"
#include "register_tile.h"
#include "stack.h"

namespace castnet::winograd {

constexpr int products = 4;  // along each axis of a tile

/// What the tiles are of: a kernel with 2 or 3 taps along each axis in each of its phases.
struct Form {
    int taps = 3, stride_x = 1, stride_y = 1;

    [[nodiscard]] int outputs() const { return products + 1 - taps; }  // along each axis of a tile
    [[nodiscard]] int phases() const { return stride_x * stride_y; }
    /// How many tiles cover so many outputs of a phase.
    [[nodiscard]] int tiles(int extent) const { return ceil_div(extent, outputs()); }
    /// The numbers of a transformed kernel.
    [[nodiscard]] int64_t kernel_size(int from_channels, int to_channels) const {
        return int64_t{products} * products * phases() * from_channels * to_channels;
    }
    /// The largest equal part of `to_channels`, in whole vectors, whose transformed kernel fits on the stack, or 0.
    [[nodiscard]] int group(int from_channels, int to_channels, int natural_lanes) const {
        const int lanes = lanes_within(to_channels, natural_lanes);
        for (int groups = 1; groups * lanes <= to_channels; groups++) {
            const int each = to_channels / groups;
            const bool is_whole = groups == 1 || to_channels % (groups * lanes) == 0;
            if (is_whole && kernel_size(from_channels, each) <= most_on_stack) return each;
        }
        return 0;
    }
};

/// at(x, y) where that is inside `width` and `height`, and zero around it.
template <typename At>
Halide::Expr zero_outside(const At &at, int width, int height, const Halide::Expr &x, const Halide::Expr &y) {
    const Halide::Expr is_inside = x >= 0 && x < width && y >= 0 && y < height;
    return select(is_inside, at(clamp(x, 0, width - 1), clamp(y, 0, height - 1)), element(0));
}

/// Phase p of a grid of `shape`: pixel (x, y) is the grid's at stride · (x, y) + phase - padding, with zeros around it.
template <typename Grid>
auto phases_of(const Grid &grid, const std::vector<int> &shape, const Form &form, int pad_x, int pad_y) {
    return [=, &grid](const Halide::Expr &c, const Halide::Expr &x, const Halide::Expr &y, const Halide::Expr &p, const Halide::Expr &n) {
        const auto at = [&](const Halide::Expr &column, const Halide::Expr &row) { return grid(c, column, row, n); };
        return zero_outside(at, shape[1], shape[2], form.stride_x * x + p % form.stride_x - pad_x,
                            form.stride_y * y + p / form.stride_x - pad_y);
    };
}

/// The polynomial with the coefficients at(0), at(1)… at point `row` of 0, 1, -1 and infinity. All three matrices have it in them.
template <typename At>
Halide::Expr evaluate(const At &at, int count, const Halide::Expr &row) {
    const Halide::Expr even = count == 3 ? at(0) + at(2) : at(0), odd = at(1);
    return select(row == 0, at(0), row == 1, even + odd, row == 2, even - odd, at(count - 1));
}

/// The transpose of evaluate(): coefficient `row` of what the four points got.
template <typename At>
Halide::Expr transposed_evaluate(const At &at, int count, const Halide::Expr &row) {
    const Halide::Expr sum = at(1) + at(2), difference = at(1) - at(2);
    if (count == 2) return select(row == 0, at(0) + sum, difference + at(3));
    return select(row == 0, at(0) + sum, row == 1, difference, sum + at(3));
}

// Element `row` of a matrix times the vector of at(0), at(1)…

/// Bᵀ: of four inputs.
template <typename At>
Halide::Expr of_inputs(const At &at, const Halide::Expr &row) {
    return select(row == 0, at(0) - at(2), row == 1, at(1) + at(2), row == 2, at(2) - at(1), at(1) - at(3));
}

/// G: of a phase's taps.
template <typename At>
Halide::Expr of_taps(const At &at, const Form &form, const Halide::Expr &row) {
    return evaluate(at, form.taps, row) * select(row == 1 || row == 2, element(0.5), element(1));
}

/// Gᵀ: a phase's taps' gradients of four transformed ones'.
template <typename At>
Halide::Expr to_taps(const At &at, const Form &form, const Halide::Expr &row) {
    const auto halved = [&](int d) -> Halide::Expr { return d == 1 || d == 2 ? element(0.5) * at(d) : at(d); };
    return transposed_evaluate(halved, form.taps, row);
}

/// A: four products' gradients of a tile's outputs'.
template <typename At>
Halide::Expr to_products(const At &at, const Form &form, const Halide::Expr &row) {
    return evaluate(at, form.outputs(), row) * select(row == 3, element(-1), element(1));
}

/// Aᵀ: a tile's outputs of four products.
template <typename At>
Halide::Expr of_products(const At &at, const Form &form, const Halide::Expr &row) {
    const auto negated = [&](int d) -> Halide::Expr { return d == 3 ? -at(d) : at(d); };
    return transposed_evaluate(negated, form.outputs(), row);
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

/// Keeps the 16 numbers of each tile, `numbers`(c, tx, ty, j, i, n), on the stack.
inline void keep_tiles(Halide::Func &numbers, const Halide::Var &tx, int channels, int columns, int rows) {
    numbers.align_storage(tx, stored_columns(columns));
    keep_on_stack(numbers, size(channels, columns, rows));
}

/// transformed(c, tx, ty, j, i, p, n), the 4x4 numbers of tile (tx, ty) of phase p of a grid(c, x, y, p, n), j along x. `transform`(at,
/// row) is one of the functions above, applied to the rows first.
class Tiles {
public:
    Halide::Func transformed{"tiles"};

    template <typename Grid, typename Transform>
    void define(const Grid &grid, const Form &form, const Transform &transform) {
        const int outputs = form.outputs();
        rows(c, x, ty, i, p, n) = transform([&](int d) { return grid(c, x, outputs * ty + d, p, n); }, i);
        transformed(c, tx, ty, j, i, p, n) = transform([&](int d) { return rows(c, outputs * tx + d, ty, i, p, n); }, j);
    }

    /// All 16 of a tile at once, in vectors of channels, inside the loop `level`, for so many phases, columns and rows of tiles.
    void schedule(const Halide::LoopLevel &level, int channels, int natural_lanes, int phases, int columns, int rows_of_tiles) {
        const int lanes = lanes_within(channels, natural_lanes);
        transformed.compute_at(level).split(c, co, ci, lanes).reorder(ci, j, i, co, tx, ty, p).vectorize(ci).unroll(j).unroll(i);
        keep_tiles(transformed, tx, phases * channels, columns, rows_of_tiles);
        rows.compute_at(transformed, co).store_in(Halide::MemoryType::Register).vectorize(c, lanes).unroll(x).unroll(i);
    }

private:
    const Halide::Var c{"c"}, x{"x"}, tx{"tx"}, ty{"ty"}, i{"i"}, j{"j"}, p{"p"}, n{"n"}, co{"co"}, ci{"ci"};
    Halide::Func rows{"tile_rows"};
};

/// What becomes of the phases: their sums are added up, to a grid without phases, or put side by side, to a larger grid.
enum class Phases { added, side_by_side };

/// The tiles of a correlation that makes a grid from another, of (channels, width, height).
struct Tiling {
    Form form;
    Phases phases = Phases::added;
    std::vector<int> from, to;

    // Of the grid that is made.
    [[nodiscard]] int stride_x() const { return phases == Phases::added ? 1 : form.stride_x; }
    [[nodiscard]] int stride_y() const { return phases == Phases::added ? 1 : form.stride_y; }
    [[nodiscard]] int made_phases() const { return stride_x() * stride_y(); }

    [[nodiscard]] int columns() const { return form.tiles(ceil_div(to[1], stride_x())); }
    [[nodiscard]] int rows() const { return form.tiles(ceil_div(to[2], stride_y())); }
    /// The steps of a sum of products.
    [[nodiscard]] int steps() const { return from[0] * form.phases() / made_phases(); }
    /// The numbers of so many rows of tiles, of the grid that has more.
    [[nodiscard]] int64_t size(int rows_of_tiles) const {
        return winograd::size(std::max(form.phases() * from[0], made_phases() * to[0]), columns(), rows_of_tiles);
    }
};

/// sums(c, x, y, n): a correlation of each phase of a grid(k, x, y, p, n) with its kernel(c, k, kx, ky, p).
class Correlation {
public:
    template <typename Grid, typename Kernel>
    void define(const Grid &grid, const Kernel &kernel, const Tiling &its_tiling) {
        tiling = its_tiling;
        const Form form = tiling.form;
        inputs.define(grid, form, [](const auto &at, const Halide::Expr &row) { return of_inputs(at, row); });
        const auto of_row = [&](int ky) { return of_taps([&](int kx) { return kernel(c, k, kx, ky, p); }, form, j); };
        weights(c, k, j, i, p) = of_taps(of_row, form, i);
        r = Halide::RDom(0, tiling.from[0], 0, form.phases() / tiling.made_phases());
        sum(c, tx, ty, j, i, p, n) = element(0);
        sum(c, tx, ty, j, i, p, n) += weights(c, r.x, j, i, p + r.y) * inputs.transformed(r.x, tx, ty, j, i, p + r.y, n);
        summed(c, tx, ty, j, i, p, n) = sum(c, tx, ty, j, i, p, n);
        rows(c, tx, ty, j, b, p, n) = of_products([&](int d) { return summed(c, tx, ty, j, d, p, n); }, form, b);
    }

    [[nodiscard]] Halide::Expr at(const Halide::Expr &channel, const Halide::Expr &x, const Halide::Expr &y,
                                  const Halide::Expr &image) const {
        const int outputs = tiling.form.outputs(), stride_x = tiling.stride_x(), stride_y = tiling.stride_y();
        const Halide::Expr column = x / stride_x, row = y / stride_y, phase = x % stride_x + stride_x * (y % stride_y);
        return of_products([&](int d) { return rows(channel, column / outputs, row / outputs, d, row % outputs, phase, image); },
                           tiling.form, column % outputs);
    }

    ///     for g                                   groups of channels, one where their weights fit on the stack
    ///       weights = G kernel Gᵀ
    ///       for n                                 images
    ///         for yo                              blocks of rows of tiles
    ///           inputs = Bᵀ window B
    ///           for p, i, j, co, so, to           phases side by side; products of a tile; vectors of channels; tiles
    ///             sum[tile] = 0
    ///             for r.y, r.x                    phases that are added; channels of the grid that is read
    ///               sum[tile] += weights[vectors] · inputs[points]
    ///             summed[tile] = sum[tile]
    ///           for ty, xo, co                    tiles, vectors of channels
    ///             rows = Aᵀ summed                of all phases side by side
    ///             out = epilogue(rows A)
    void schedule(Halide::Func &stage, const RegisterTile &tile, int block, int natural_lanes) {
        const auto &[form, phases, from, to] = tiling;
        const int columns = tiling.columns(), rows_of_tiles = tiling.rows();
        const int lanes = lanes_within(to[0], natural_lanes), group = form.group(from[0], to[0], natural_lanes);
        const int tile_width = tiling.stride_x() * form.outputs(), tile_height = tiling.stride_y() * form.outputs();
        // Whole blocks if that is possible, and on the stack.
        int block_rows = std::min(rows_of_tiles, tile.points[1] * std::max(1, block));
        while (block_rows > tile.points[1] && (rows_of_tiles % block_rows != 0 || tiling.size(block_rows) > most_on_stack)) block_rows--;
        const Halide::Var x("x"), y("y");
        stage.split(y, yo, y, tile_height * block_rows, Halide::TailStrategy::GuardWithIf)
            .split(y, y, yb, tile_height)
            .split(x, x, xb, tile_width, Halide::TailStrategy::GuardWithIf)
            .split(yb, yb, phase_y, tiling.stride_y())
            .split(xb, xb, phase_x, tiling.stride_x())
            .split(c, g, c, group)
            .split(c, co, ci, lanes)
            .reorder({ci, xb, yb, phase_x, phase_y, co, x, y, yo, n, g})
            .vectorize(ci)
            .unroll(xb)
            .unroll(yb)
            .unroll(phase_x)
            .unroll(phase_y);
        weights.compute_root().vectorize(c, lanes).unroll(j).unroll(i).reorder(c, j, i, k, p);
        if (group < to[0]) weights.compute_at(stage, g);
        keep_on_stack(weights, form.kernel_size(from[0], group));
        inputs.schedule({stage, yo}, from[0], natural_lanes, form.phases(), columns, block_rows);
        cut_into_tiles(summed.compute_at(stage, yo), tile, lanes, {c, tx, ty}, {co, ci, tx, txi, ty, tyi}, {tx, ty, co, j, i, p});
        keep_tiles(summed, tx, tiling.made_phases() * group, columns, block_rows);
        accumulate_in_registers(sum, {summed, tx}, c, lanes, {tx, ty}, {r.x, r.y});
        if (from[0] % 2 == 0) sum.update().unroll(r.x, 2);
        rows.compute_at(stage, phase_x).store_in(Halide::MemoryType::Register).vectorize(c, lanes).unroll(j).unroll(b).unroll(p);
    }

private:
    Halide::Var c{"c"}, k{"k"}, tx{"tx"}, ty{"ty"}, i{"i"}, j{"j"}, b{"b"}, p{"p"}, n{"n"}, g{"g"}, phase_x{"phase_x"}, phase_y{"phase_y"};
    Halide::Var co{"co"}, ci{"ci"}, txi{"txi"}, tyi{"tyi"}, yo{"yo"}, yb{"yb"}, xb{"xb"};
    Tiling tiling;
    Tiles inputs;
    Halide::Func weights{"weights"}, sum{"sum"}, summed{"summed"}, rows{"product_rows"};
    Halide::RDom r;
};

}  // namespace castnet::winograd

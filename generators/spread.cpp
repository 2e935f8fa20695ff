// spread: the large grid from the small one, the transpose of correlate. conv2d_transpose's forward, conv2d's backward_data.
#include "data_contraction.h"
#include "formulas.h"

namespace castnet {

/// What the loops around a tile run over, and what fills its lanes.
enum class Gather {
    automatic,
    taps,       ///< lanes of large channels; the taps of the kernel that reach a pixel's phase
    reduction,  ///< the same taps, lanes of small channels that are added up at the end: for few large channels
    positions,  ///< lanes of large channels; all pixels of the small grid, where they are fewer than the taps
    winograd,   ///< lanes of large channels; tiles and kernels that are transformed (winograd.h)
};

inline const std::map<std::string, Gather> &gather_names() {
    static const std::map<std::string, Gather> names{{"automatic", Gather::automatic},
                                                     {"taps", Gather::taps},
                                                     {"reduction", Gather::reduction},
                                                     {"positions", Gather::positions},
                                                     {"winograd", Gather::winograd}};
    return names;
}

/// Column X of the large grid is X = stride·x + phase. Within one phase the spread is a dense correlation of the small grid with every
/// stride-th tap of the kernel: with phase + pad = stride·shift + first, tap d is kernel column first + stride·d and reads column
/// x + shift - d. The same for rows.
class Spread : public DataContraction<Spread> {
public:
    Input<Buffer<Element, 4>> small{"small"};    // (sc, x, y, n)
    Input<Buffer<Element, 4>> kernel{"kernel"};  // (lc, sc, kx, ky), transposed by transpose_kernel
    Output<Buffer<Element, 4>> large{"large"};   // (lc, x, y, n)

    GeneratorParam<Gather> method{"method", Gather::automatic, gather_names()};

    std::vector<Method> space() const override {
        const Gather first = chosen(Gather::automatic);
        std::vector<Method> methods{method_of(first)};
        for (const Gather other : {Gather::taps, Gather::positions, Gather::reduction, Gather::winograd}) {
            if (other != first && can_be(other)) methods.push_back(method_of(other));
        }
        return methods;
    }

    void generate() {
        gather = chosen(method);
        tile = choose_tile(tiles(gather), tile_text);
        refuse_what_is_ignored(method_of(gather));
        if (using_autoscheduler()) {
            pixels(c, x, y, n) = initial(c) + spreading(*this, c, x, y, n);
        } else if (gather == Gather::positions) {
            sum_over_positions();
        } else if (gather == Gather::reduction) {
            sum_over_lanes();
        } else if (gather == Gather::winograd) {
            sum_by_phases();
        } else {
            sum_over_taps();
        }
        define_epilogue(large_shape());
        large = epilogue.out;

        fix_shape(small, small_shape());
        fix_shape(kernel, {large_channels, small_channels, kernel_width, kernel_height});
        fix_shape(large, large_shape());
    }

    void schedule() {
        if (using_autoscheduler()) return;
        schedule_epilogue(large_shape());
        padding.compute_at(epilogue.out, n, natural_lanes());
        if (gather == Gather::positions) {
            schedule_positions();
        } else if (gather == Gather::reduction) {
            schedule_reduced_lanes();
        } else if (gather == Gather::winograd) {
            Func stage = sums_stage(large_shape(), large_width);
            fast.schedule(stage, tile, block, natural_lanes());
        } else {
            schedule_taps();
        }
    }

private:
    Var i{"i"}, a{"a"}, phase_x{"phase_x"}, phase_y{"phase_y"}, co{"co"}, ci{"ci"}, xo{"xo"}, xi{"xi"}, yo{"yo"}, yi{"yi"};
    Func sum{"sum"}, phases{"phases"}, partial{"partial"};
    RDom r, all;
    Gather gather = Gather::taps;
    RegisterTile tile;  // vectors of channels by columns and rows of a phase; where lanes are reduced, columns of the large grid alone

    // The algorithm.

    /// Many large channels, a lane for each: all phases of the large grid, phases(c, phase_x, x, phase_y, y, n). Products with the zeros
    /// around the small grid are left out where the tile knows them: those of a single row, and of all columns.
    void sum_over_taps() {
        const bool can_skip = skips(tile.points[1] == 1);
        const bool is_row = can_skip && tile.points[1] == 1, is_whole_row = can_skip && tile.points[0] >= ceil_div(large_width, stride_x);
        padding.define(small, small_channels, small_width, small_height,
                       small_margins(ceil_div(large_width, stride_x) * stride_x).skipping(is_whole_row, is_row));
        r = RDom(0, small_channels, 0, ceil_div(kernel_width, stride_x), 0, ceil_div(kernel_height, stride_y));
        const Expr first_x = (phase_x + pad_x) % stride_x, first_y = (phase_y + pad_y) % stride_y;
        const auto [kx, ky] = taps_at(first_x, first_y);
        const Expr column = skip_outside(r, x + (phase_x + pad_x) / stride_x - r.y, small_width, is_whole_row);
        const Expr row = skip_outside(r, y + (phase_y + pad_y) / stride_y - r.z, small_height, is_row);
        sum(c, phase_x, x, phase_y, y, n) = initial(c);
        sum(c, phase_x, x, phase_y, y, n) += kernel(c, r.x, kx, ky) * padding.window(r.x, column, row, n);
        phases(c, phase_x, x, phase_y, y, n) = sum(c, phase_x, x, phase_y, y, n);
        pixels(c, x, y, n) = phases(c, x % stride_x, x / stride_x, y % stride_y, y / stride_y, n);
    }

    /// Few large channels: the lanes share the reduction over small channels, and are added up at the end. A tile holds all channels of
    /// `tile_columns` columns, whole strides of them, so that every column's phase and its taps are known.
    void sum_over_lanes() {
        const auto within = [&](const Expr &channel) { return min(channel, small_channels - 1); };
        padding.define(small, small_channels, small_width, small_height,
                       small_margins(tiles_of_row() * tile_columns()).skipping(unrolls_row(), true));
        define_by_lane(kernel, small_channels);

        const int lanes = reduction_lanes();
        r = RDom(0, reduction_steps(), 0, ceil_div(kernel_width, stride_x), 0, ceil_div(kernel_height, stride_y));
        const Expr accumulator = i / lanes, column = accumulator / large_channels + pad_x, row = y + pad_y;
        const auto [kx, ky] = taps_at(column % stride_x, row % stride_y);
        const Expr small_column = skip_outside(r, xo * (tile_columns() / stride_x) + column / stride_x - r.y, small_width, unrolls_row());
        const Expr small_row = skip_outside(r, row / stride_y - r.z, small_height, true);
        const Expr channel = i % lanes + lanes * r.x;
        partial(i, xo, y, n) = element(0);
        partial(i, xo, y, n) +=
            by_lane(channel, accumulator % large_channels, kx, ky) * padding.window(within(channel), small_column, small_row, n);
        all = RDom(0, lanes);
        sum(a, xo, y, n) = initial(a % large_channels);
        sum(a, xo, y, n) += partial(lanes * a + all, xo, y, n);
        pixels(c, x, y, n) = sum(c + large_channels * (x % tile_columns()), x / tile_columns(), y, n);
    }

    /// Where the small grid has fewer pixels than a phase has taps, nearly all taps would read zeros: the reduction runs over the small
    /// grid's pixels instead.
    void sum_over_positions() {
        r = RDom(0, small_channels, 0, small_width, 0, small_height);
        const Expr kx = skip_outside(r, x + pad_x - stride_x * r.y, kernel_width, !kernel_covers_grid());
        const Expr ky = skip_outside(r, y + pad_y - stride_y * r.z, kernel_height, !kernel_covers_grid());
        sum(c, x, y, n) = initial(c);
        sum(c, x, y, n) += kernel(c, r.x, kx, ky) * small(r.x, r.y, r.z, n);
        pixels(c, x, y, n) = sum(c, x, y, n);
    }

    /// In fewer products: each phase of the large grid is the correlation of the small one with the phase's taps, turned by 180 degrees.
    void sum_by_phases() {
        const int last = winograd_form().taps - 1;
        const auto shifted = [&](const Expr &channel, const Expr &column, const Expr &row, const Expr &p, const Expr &image) {
            const auto at = [&](const Expr &inner_column, const Expr &inner_row) { return small(channel, inner_column, inner_row, image); };
            return winograd::zero_outside(at, small_width, small_height, column + (p % stride_x + pad_x) / stride_x - last,
                                          row + (p / stride_x + pad_y) / stride_y - last);
        };
        const auto turned = [&](int kx, int ky, const Expr &p) {
            return std::pair{(p % stride_x + pad_x) % stride_x + stride_x * (last - kx),
                             (p / stride_x + pad_y) % stride_y + stride_y * (last - ky)};
        };
        sum_by_winograd(shifted, kernel, turned, tiling());
    }

    /// The kernel's column and row of tap (r.y, r.z). Phases that begin later may have one tap less, which the reduction leaves out.
    std::pair<Expr, Expr> taps_at(const Expr &first_x, const Expr &first_y) {
        r.where(r.y <= (kernel_width - 1 - first_x) / stride_x && r.z <= (kernel_height - 1 - first_y) / stride_y);
        return {unsafe_promise_clamped(first_x + stride_x * r.y, 0, kernel_width - 1),
                unsafe_promise_clamped(first_y + stride_y * r.z, 0, kernel_height - 1)};
    }

    /// The zeros around the small grid that the taps of the large grid's phases read, for so many columns of the large grid.
    Margins small_margins(int columns) const {
        const auto before = [](int reach, int stride, int pad) { return std::max(0, ceil_div(reach, stride) - 1 - pad / stride); };
        const auto after = [](int extent, int stride, int pad, int count) {
            return std::max(0, (extent - 1 + pad) / stride - (count - 1));
        };
        const int rows = ceil_div(large_height, stride_y) * stride_y;
        return {.left = before(kernel_width, stride_x, pad_x),
                .right = after(columns, stride_x, pad_x, small_width),
                .top = before(kernel_height, stride_y, pad_y),
                .bottom = after(rows, stride_y, pad_y, small_height)};
    }

    /// Whether every pixel of the small grid reaches every pixel of the large one.
    bool kernel_covers_grid() const {
        const auto covers = [](int to, int from, int reach, int stride, int pad) {
            return pad - stride * (from - 1) >= 0 && to - 1 + pad < reach;
        };
        return covers(large_width, small_width, kernel_width, stride_x, pad_x) &&
               covers(large_height, small_height, kernel_height, stride_y, pad_y);
    }

    // The schedule.

    ///     for n                                   images
    ///       window = small with its zeros         unless the reduction leaves them out
    ///       for yo                                blocks of the large grid's rows
    ///         for co, phase_y, phase_x            a phase's taps of the kernel stay in the cache while its tiles pass
    ///           for yo, xo                        tiles
    ///             sum[tile] = initial
    ///             for r.z, r.y, r.x               rows, columns, channels of the kernel
    ///               sum[tile] += kernel[vectors] · window[points]
    ///             phases[tile] = sum[tile]
    ///         for y, x                            the block's rows, their phases side by side
    ///           out = epilogue(phases)
    void schedule_taps() {
        Func out = epilogue.out;
        const int lanes = lanes_within(large_channels, natural_lanes());
        out.split(y, yo, yi, int(stride_y) * block_rows(), TailStrategy::GuardWithIf).vectorize(c, lanes);
        cut_into_tiles(phases.compute_at(out, yo), tile, lanes, {c, x, y}, {co, ci, xo, xi, yo, yi}, {xo, yo, phase_x, phase_y, co});
        // With room for vectors beyond the last column.
        const int64_t columns = ceil_div(large_width, stride_x) + natural_lanes();
        keep_on_stack(phases, int64_t(large_channels) * int(stride_x) * columns * int(stride_y) * block_rows());
        accumulate_in_registers(sum, {phases, xo}, c, lanes, {x, y}, {r.x, r.y, r.z});
        unroll_channels(sum, r.x, small_channels, 4);
    }

    ///     by_lane = kernel
    ///     for n                                   images
    ///       window = small with its zeros         unless the reduction leaves them out
    ///       for y, xo                             tiles of one row; those of a short row are unrolled
    ///         partial[lanes, tile] = 0
    ///         for r.z, r.x, r.y                   rows, vectors of channels, columns of the kernel, the last unrolled
    ///           partial[lanes, tile] += by_lane[lanes, channels] · window[lanes, columns]
    ///         sum[tile] = initial + Σ partial     over lanes
    ///         out[tile] = epilogue(sum[tile])
    void schedule_reduced_lanes() {
        schedule_by_lane(large_channels, reduction_lanes(), reduction_steps());
        Func stage = sums_stage(large_shape(), tiles_of_row() * tile_columns());
        stage.split(x, xo, xi, tile_columns()).fuse(c, xi, a).vectorize(a);
        if (unrolls_row()) stage.unroll(xo);
        sum.compute_at(stage, xo).store_in(MemoryType::Register).vectorize(a);
        sum.update().reorder(all, a).atomic().vectorize(all).vectorize(a);
        accumulate_in_registers(partial, {stage, xo}, i, reduction_lanes(), {}, {r.y, r.x, r.z});
        partial.update().unroll(r.y);
    }

    ///     for n                                   images
    ///       for y, x, co                          pixels, and vectors of their channels
    ///         sum[vectors] = initial
    ///         for r.z, r.y, r.x                   rows, columns, channels of the small grid
    ///           sum[vectors] += kernel[vectors] · small
    ///         out[vectors] = epilogue(sum[vectors])
    void schedule_positions() {
        const int lanes = lanes_within(large_channels, natural_lanes());
        Func stage = sums_stage(large_shape(), large_width);
        const int images = tile.points[2];
        schedule_tiles_of_images(stage, images, small.dim(3).extent(), [&](Halide::Stage tiles) {
            tiles.split(c, co, ci, tile.vectors * lanes).vectorize(ci, lanes).unroll(ci);
            if (images > 1) tiles.reorder(ci, ni, n, co, x, y);
        });
        accumulate_in_registers(sum, {stage, images > 1 ? n : co}, c, lanes, {n}, {r.x, r.y, r.z});
        unroll_channels(sum, r.x, small_channels, 1);
    }

    // The choices.

    Gather chosen(Gather wanted) const {
        if (wanted == Gather::winograd) require_winograd();
        if (wanted != Gather::automatic) return wanted;
        if (is_winograd_by_default()) return Gather::winograd;
        const bool few_positions =
            int(small_width) * int(small_height) < ceil_div(kernel_width, stride_x) * ceil_div(kernel_height, stride_y);
        if (few_positions || most_tile_images() > 1) return Gather::positions;
        return large_channels < narrow ? Gather::reduction : Gather::taps;
    }

    /// Whether the method is worth a trial: a tile of the reduction holds all channels of its columns.
    bool can_be(Gather gathering) const {
        if (gathering == Gather::winograd) return can_be_winograd();
        return gathering != Gather::reduction || (small_channels > 1 && large_channels <= accumulator_budget(get_target()));
    }

    Method method_of(Gather gathering) const {
        const Choice tile_values = tile_choice(tiles(gathering));
        if (gathering == Gather::reduction) return {"reduction", {tile_values}};
        if (gathering == Gather::positions) return {"positions", {tile_values, unroll_values()}};
        if (gathering == Gather::winograd) return {"winograd", {tile_values, winograd_blocks()}};
        return {"taps", {tile_values, unroll_values(), block_values(), padding_values()}};
    }

    std::vector<RegisterTile> tiles(Gather gathering) const {
        const int lanes = lanes_within(large_channels, natural_lanes());
        if (gathering == Gather::reduction) return reduction_tiles();
        if (gathering == Gather::winograd) return winograd_tiles(tiling());
        if (gathering == Gather::positions)
            return register_tiles(large_channels, lanes, {1, 1, kernel_covers_grid() ? most_tile_images() : 1},
                                  int64_t{small_channels} * small_width * small_height);
        return register_tiles(large_channels, lanes, {ceil_div(large_width, stride_x), ceil_div(large_height, stride_y), 1},
                              int64_t{small_channels} * ceil_div(kernel_width, stride_x) * ceil_div(kernel_height, stride_y));
    }

    /// Whole strides; first those that waste the fewest columns at the right edge, as wide as the registers allow beside a row of the
    /// kernel: with 16 accumulators of a budget of 28, 12 of the 32 registers and more are the kernel's.
    std::vector<RegisterTile> reduction_tiles() const {
        const int budget = accumulator_budget(get_target()), of_stride = int(stride_x) * int(large_channels);
        const int strides = ceil_div(large_width, stride_x), most = std::max(1, budget * 4 / 7 / of_stride);
        const auto fewest_columns = [&](int limit) {
            const int tiles = ceil_div(strides, limit);
            return ceil_div(strides, tiles);
        };
        std::vector<RegisterTile> tiles{{1, {fewest_columns(most) * stride_x, 1, 1}}};
        for (int limit = 1; limit <= strides && limit * of_stride <= budget; limit++) {
            const RegisterTile wider{1, {limit * stride_x, 1, 1}};
            if (wider.points != tiles.front().points) tiles.push_back(wider);
        }
        return tiles;
    }

    winograd::Tiling tiling() const { return {winograd_form(), winograd::Phases::side_by_side, small_shape(), large_shape()}; }

    int reduction_lanes() const { return lanes_within(small_channels, natural_lanes()); }
    int reduction_steps() const { return ceil_div(small_channels, reduction_lanes()); }
    int tile_columns() const { return tile.points[0]; }
    int tiles_of_row() const { return ceil_div(large_width, tile_columns()); }

    /// Whether the tiles of a row are unrolled, so that each knows which of its taps lie outside the grid: a first and a last one, as more
    /// would all be the same code.
    bool unrolls_row() const { return tiles_of_row() <= 2; }

    Choice unroll_values() const { return divisors_choice("unroll", small_channels, {1, 2, 4, 8}); }

    /// Rows of tiles whose phases are computed together, so that a tap's kernel serves them all from the first-level cache.
    static Choice block_values() { return {"block", {"1", "2", "4", "8"}}; }
    int block_rows() const {
        const int phase_rows = ceil_div(large_height, stride_y), each = tile.points[1];
        int rows = std::min(each * std::max<int>(1, block), phase_rows);
        while (rows > each && phase_rows % rows != 0) rows -= each;  // whole blocks only: there may be no row beyond the last
        return rows;
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Spread, spread)

// correlate: the small grid from the large one. conv2d's forward, conv2d_transpose's backward_data.
#include "data_contraction.h"
#include "formulas.h"

namespace castnet {

/// What fills the lanes of a vector, and what is multiplied.
enum class Lanes {
    automatic,
    channels,   ///< the small grid's channels
    reduction,  ///< the large grid's channels, which are added up at the end: for few small channels
    winograd,   ///< the small grid's channels, of tiles and kernels that are transformed (winograd.h)
};

inline const std::map<std::string, Lanes> &lanes_names() {
    static const std::map<std::string, Lanes> names{
        {"automatic", Lanes::automatic}, {"channels", Lanes::channels}, {"reduction", Lanes::reduction}, {"winograd", Lanes::winograd}};
    return names;
}

class Correlate : public DataContraction<Correlate> {
public:
    Input<Buffer<Element, 4>> large{"large"};    // (lc, x, y, n)
    Input<Buffer<Element, 4>> kernel{"kernel"};  // (sc, lc, kx, ky)
    Output<Buffer<Element, 4>> small{"small"};   // (sc, x, y, n)

    GeneratorParam<Lanes> method{"method", Lanes::automatic, lanes_names()};

    std::vector<Method> space() const override {
        const Lanes first = chosen(Lanes::automatic);
        std::vector<Method> methods{method_of(first)};
        for (const Lanes other : {Lanes::channels, Lanes::reduction, Lanes::winograd}) {
            if (other != first && can_be(other)) methods.push_back(method_of(other));
        }
        return methods;
    }

    void generate() {
        in_lanes = chosen(method);
        tile = choose_tile(tiles(in_lanes), tile_text);
        refuse_what_is_ignored(method_of(in_lanes));
        if (using_autoscheduler()) {
            pixels(c, x, y, n) = initial(c) + correlation(*this, c, x, y, n);
        } else if (in_lanes == Lanes::reduction) {
            sum_over_lanes();
        } else if (in_lanes == Lanes::winograd) {
            sum_by_phases();
        } else {
            sum_in_lanes();
        }
        define_epilogue(small_shape());
        small = epilogue.out;

        fix_shape(large, large_shape());
        fix_shape(kernel, {small_channels, large_channels, kernel_width, kernel_height});
        fix_shape(small, small_shape());
    }

    void schedule() {
        if (using_autoscheduler()) return;
        schedule_epilogue(small_shape());
        padding.compute_at(epilogue.out, n, natural_lanes());
        Func stage = sums_stage(small_shape(), small_width);
        if (in_lanes == Lanes::reduction) {
            schedule_reduced_lanes(stage);
        } else if (in_lanes == Lanes::winograd) {
            fast.schedule(stage, tile, block, natural_lanes());
        } else {
            schedule_channels(stage);
        }
    }

private:
    const Var tap{"tap"};
    Var co{"co"}, ci{"ci"}, xo{"xo"}, xi{"xi"}, yb{"yb"}, yo{"yo"}, yi{"yi"};
    Func sum{"sum"}, partial{"partial"};
    RDom r, all;
    Lanes in_lanes = Lanes::channels;
    // Channels (their vectors where they fill the lanes) by columns by rows, or by taps where lanes are reduced, or by tiles of Winograd's.
    RegisterTile tile;

    // The algorithm.

    /// Many small channels, a lane for each: a step of the reduction multiplies them by one value of the window.
    void sum_in_lanes() {
        r = RDom(0, large_channels, 0, kernel_width, 0, kernel_height);
        const Expr value = window_at(r.x, r.y, r.z);
        sum(c, x, y, n) = initial(c);
        sum(c, x, y, n) += kernel(c, r.x, r.y, r.z) * value;
        pixels(c, x, y, n) = sum(c, x, y, n);
    }

    /// Few small channels, many large ones: the lanes share the reduction over large channels, and are added up at the end. Columns of the
    /// kernel have accumulators of their own, to hide the latency of the FMA where the small grid is a single pixel.
    void sum_over_lanes() {
        const auto within = [&](const Expr &channel) { return min(channel, large_channels - 1); };
        const int taps = tile.points[1];
        define_by_lane(kernel, large_channels);
        r = RDom(0, reduction_steps(), 0, kernel_width / taps, 0, kernel_height);
        const Expr channel = lane + reduction_lanes() * r.x, column = tap + taps * r.y;
        const Expr value = window_at(within(channel), column, r.z);
        partial(lane, tap, c, x, y, n) = element(0);
        partial(lane, tap, c, x, y, n) += by_lane(channel, c, column, r.z) * value;
        all = RDom(0, reduction_lanes(), 0, taps);
        sum(c, x, y, n) = initial(c);
        sum(c, x, y, n) += partial(all.x, all.y, c, x, y, n);
        pixels(c, x, y, n) = sum(c, x, y, n);
    }

    /// In fewer products: each phase of the large grid meets its taps of the kernel.
    void sum_by_phases() {
        const auto in_phase = [&](int kx, int ky, const Expr &p) {
            return std::pair{stride_x * kx + p % stride_x, stride_y * ky + p / stride_x};
        };
        sum_by_winograd(winograd::phases_of(large, large_shape(), winograd_form(), pad_x, pad_y), kernel, in_phase, tiling());
    }

    /// What tap (kx, ky) of the kernel meets at (x, y). Products with the zeros around the large grid are left out where the tile knows
    /// them: those of a single row, and of all columns.
    Expr window_at(const Expr &channel, const Expr &kx, const Expr &ky) {
        const bool is_row = in_lanes == Lanes::reduction || tile.points[1] == 1, is_whole_row = tile.points[0] >= small_width;
        const bool skips_rows = pads_rows() && is_row && skips(true);
        const bool skips_columns = pads_columns() && is_whole_row && skips(large_channels >= natural_lanes());
        padding.define(large, large_channels, large_width, large_height, large_margins().skipping(skips_columns, skips_rows));
        const Expr column = skip_outside(r, x * stride_x + kx - pad_x, large_width, skips_columns);
        const Expr row = skip_outside(r, y * stride_y + ky - pad_y, large_height, skips_rows);
        return padding.window(channel, column, row, n);
    }

    // The schedule.

    ///     for n                                   images
    ///       window = large with its zeros         unless the reduction leaves them out
    ///       for yb                                blocks of rows, if they are asked for
    ///         for co, yo, xo                      tiles: the kernel's vectors stay in the cache while the rows pass
    ///           sum[tile] = initial
    ///           for r.z, r.y, r.x                 rows, columns, channels of the kernel
    ///             sum[tile] += kernel[vectors] · window[points]
    ///           out[tile] = epilogue(sum[tile])
    ///
    /// Where a tile holds images, the loop over tiles of them is inside that over co: the kernel's vectors serve all images in turn.
    void schedule_channels(Func &stage) {
        const int lanes = lanes_within(small_channels, natural_lanes()), rows = tile.points[1];
        const int images = tile.points[2];
        schedule_tiles_of_images(stage, images, large.dim(3).extent(), [&](Halide::Stage tiles) {
            if (block > 0) tiles.split(y, yb, y, std::min<int>(block * rows, small_height));
            cut_into_tiles(tiles, tile, lanes, {c, x, y}, {co, ci, xo, xi, yo, yi}, {xo, yo, co});
            if (images > 1) tiles.reorder(ci, xi, yi, ni, xo, yo, n, co);
        });
        accumulate_in_registers(sum, {stage, xo}, c, lanes, {x, y, n}, {r.x, r.y, r.z});
        unroll_channels(sum, r.x, large_channels, 2);
    }

    ///     by_lane = kernel
    ///     for n                                   images
    ///       window = large with its zeros         unless the reduction leaves them out
    ///       for co, y, xo                         tiles of one row
    ///         partial[lanes, taps, tile] = 0
    ///         for r.z, r.y, r.x                   rows, groups of columns, vectors of channels of the kernel
    ///           partial[lanes, taps, tile] += by_lane[lanes, taps, channels] · window[lanes, taps, columns]
    ///         sum[tile] = initial + Σ partial     over lanes and taps
    ///         out[tile] = epilogue(sum[tile])
    void schedule_reduced_lanes(Func &stage) {
        schedule_by_lane(small_channels, reduction_lanes(), reduction_steps());
        stage.split(c, co, ci, tile.vectors)
            .split(x, xo, xi, tile.points[0])
            .reorder(ci, xi, xo, y, co)
            .vectorize(ci, lanes_within(tile.vectors, natural_lanes()))
            .unroll(ci)
            .unroll(xi);
        sum.compute_at(stage, xo).store_in(MemoryType::Register).unroll(c).unroll(x);
        sum.update().reorder(all.x, all.y, c, x, y).atomic().vectorize(all.x).unroll(all.y).unroll(c).unroll(x);
        accumulate_in_registers(partial, {stage, xo}, lane, reduction_lanes(), {tap, c, x}, {r.x, r.y, r.z});
    }

    // The choices.

    Lanes chosen(Lanes wanted) const {
        if (wanted == Lanes::winograd) require_winograd();
        if (wanted != Lanes::automatic) return wanted;
        if (is_winograd_by_default()) return Lanes::winograd;
        return small_channels < narrow && large_channels >= narrow ? Lanes::reduction : Lanes::channels;
    }

    /// Whether the method is worth a trial.
    bool can_be(Lanes lanes) const {
        if (lanes == Lanes::winograd) return can_be_winograd();
        return lanes == Lanes::channels || large_channels > 1;
    }

    Method method_of(Lanes lanes) const {
        const Choice tile_values = tile_choice(tiles(lanes));
        if (lanes == Lanes::reduction) return {"reduction", {tile_values, padding_values()}};
        if (lanes == Lanes::winograd) return {"winograd", {tile_values, winograd_blocks()}};
        return {"channels", {tile_values, unroll_values(), block_values(), padding_values()}};
    }

    winograd::Tiling tiling() const { return {winograd_form(), winograd::Phases::added, large_shape(), small_shape()}; }

    int reduction_lanes() const { return lanes_within(large_channels, natural_lanes()); }
    int reduction_steps() const { return ceil_div(large_channels, reduction_lanes()); }

    std::vector<RegisterTile> tiles(Lanes lanes) const {
        if (lanes == Lanes::reduction) return reduction_tiles();
        if (lanes == Lanes::winograd) return winograd_tiles(tiling());
        return register_tiles(small_channels, lanes_within(small_channels, natural_lanes()),
                              {small_width, small_height, most_tile_images()}, int64_t{large_channels} * kernel_width * kernel_height);
    }

    /// Channels by columns by taps of a row of the kernel, each with an accumulator of its own. Their cycles are those of
    /// rank_register_tiles(), without its loop's overhead, and the sum of the lanes.
    std::vector<RegisterTile> reduction_tiles() const {
        const int budget = accumulator_budget(get_target());
        std::vector<std::pair<double, RegisterTile>> ranked;
        for (int channels = 1; channels <= small_channels; channels *= 2) {
            for (int columns = 1; columns <= small_width; columns++) {
                for (int taps = 1; taps <= kernel_width; taps++) {
                    const int accumulators = channels * columns * taps;
                    if (kernel_width % taps != 0 || accumulators > budget) continue;
                    const double step = std::max({accumulators / 2.0, taps * (channels + columns) / 2.0, 4.0});
                    const double steps = reduction_steps() * (kernel_width / taps) * kernel_height;
                    const double sum_of_lanes = channels * columns * (taps / 2.0 + 3);  // additions and shuffles
                    ranked.emplace_back(ceil_div(small_channels, channels) * ceil_div(small_width, columns) * (steps * step + sum_of_lanes),
                                        RegisterTile{channels, {columns, taps, 1}});
                }
            }
        }
        return sort_tiles(ranked);
    }

    Choice unroll_values() const { return divisors_choice("unroll", large_channels, {1, 2, 4, 8}); }
    static Choice block_values() { return {"block", {"0", "1", "2", "4"}}; }  // rows of tiles; 0 is the whole image
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Correlate, correlate)

// correlate: the small grid from the large one. conv2d's forward, conv2d_transpose's backward_data.
#include "data_contraction.h"
#include "register_tile.h"

namespace castnet {

/// What fills the lanes of a vector.
enum class Lanes {
    automatic,
    channels,   ///< the small grid's channels
    reduction,  ///< the large grid's channels, which are added up at the end: for few small channels
};

inline const std::map<std::string, Lanes> &lanes_names() {
    static const std::map<std::string, Lanes> names{
        {"automatic", Lanes::automatic}, {"channels", Lanes::channels}, {"reduction", Lanes::reduction}};
    return names;
}

class Correlate : public DataContraction<Correlate> {
public:
    Input<Buffer<Element, 4>> large{"large"};    // (lc, x, y, n)
    Input<Buffer<Element, 4>> kernel{"kernel"};  // (sc, lc, kx, ky)
    Output<Buffer<Element, 4>> small{"small"};   // (sc, x, y, n)

    GeneratorParam<Lanes> method{"method", Lanes::automatic, lanes_names()};

    std::vector<Method> space() const override {
        std::vector<Method> methods{{"channels", {tile_choice(tiles(Lanes::channels)), unroll_values(), block_values(), padding_values()}}};
        if (large_channels > 1) methods.push_back({"reduction", {tile_choice(tiles(Lanes::reduction)), padding_values()}});
        if (reduces_lanes(Lanes::automatic)) std::ranges::reverse(methods);
        return methods;
    }

    void generate() {
        const Lanes chosen = using_autoscheduler() ? Lanes::channels : Lanes(method);
        tile = choose_tile(tiles(chosen), tile_text);
        padding.define(large, large_channels, large_width, large_height, large_margins().skipping(skips_columns(), skips_rows()),
                       using_autoscheduler());
        lanes = lanes_within(small_channels, natural_lanes());
        if (reduces_lanes(chosen)) {
            sum_over_lanes();
        } else {
            sum_in_lanes();
        }
        const Epilogue epilogue = finish(sum, small_shape());
        small = epilogue.out;

        fix_shape(large, large_shape());
        fix_shape(kernel, {small_channels, large_channels, kernel_width, kernel_height});
        fix_shape(small, small_shape());
        if (!using_autoscheduler()) schedule_output(epilogue);
    }

private:
    const Var c{"c"}, x{"x"}, y{"y"}, n{"n"}, lane{"lane"}, tap{"tap"};
    Var co{"co"}, ci{"ci"}, xo{"xo"}, xi{"xi"}, yb{"yb"}, yo{"yo"}, yi{"yi"};
    ZeroPadding padding;
    Func sum{"sum"};
    std::function<void(Func &)> schedule_tile_of;  // makes one tile's accumulators under the given stage
    RegisterTile tile;
    int lanes = 1;

    // Products with the zeros around the large grid are left out, where the tile knows them: those of a single row, and of all columns.
    bool skips_rows() const {
        return pads_rows() && (reduces_lanes(method) || tile.points[1] == 1) && !using_autoscheduler() && skips(true);
    }
    bool skips_columns() const {
        return pads_columns() && tile.points[0] >= small_width && !using_autoscheduler() && skips(large_channels >= natural_lanes());
    }

    bool reduces_lanes(Lanes chosen) const {
        if (chosen == Lanes::automatic) return small_channels < narrow && large_channels >= narrow;
        return chosen == Lanes::reduction;
    }

    std::vector<RegisterTile> tiles(Lanes chosen) const {
        if (reduces_lanes(chosen)) return lane_reduction_tiles();
        return register_tiles(small_channels, lanes_within(small_channels, natural_lanes()), {small_width, small_height, 1});
    }

    Choice unroll_values() const { return divisors_choice("unroll", large_channels, {1, 2, 4, 8}); }
    static Choice block_values() { return {"block", {"0", "1", "2", "4"}}; }  // rows of tiles; 0 is the whole image

    Expr window_at(RDom &r, const Expr &channel, const Expr &kx, const Expr &ky) {
        const Expr column = skip_outside(r, x * stride_x + kx - pad_x, large_width, skips_columns());
        const Expr row = skip_outside(r, y * stride_y + ky - pad_y, large_height, skips_rows());
        return padding.window(channel, column, row, n);
    }

    /// Many small channels: a lane for each; a step of the reduction broadcasts one value of the window.
    void sum_in_lanes() {
        RDom r(0, large_channels, 0, kernel_width, 0, kernel_height);
        sum(c, x, y, n) = initial(c);
        const Expr value = window_at(r, r.x, r.y, r.z);
        sum(c, x, y, n) += kernel(c, r.x, r.y, r.z) * value;

        schedule_tile_of = [this, r](Func &stage) {
            sum.compute_at(stage, xo).store_in(MemoryType::Register).vectorize(c, lanes).unroll(c).unroll(x).unroll(y);
            sum.update().reorder(c, x, y, r.x, r.y, r.z).vectorize(c, lanes).unroll(c).unroll(x).unroll(y);
            const int steps = unroll > 0 ? int(unroll) : large_channels % 2 == 0 ? 2 : 1;
            if (large_channels % steps != 0) refuse("unroll=" + std::to_string(steps) + " does not divide the channels");
            if (large_channels == 1) {
                sum.update().unroll(r.x);
            } else if (steps > 1) {
                sum.update().unroll(r.x, steps);
            }
        };
    }

    /// Few small channels, many large ones: the lanes share the reduction over large channels, and are added up at the end. Columns of the
    /// kernel have accumulators of their own, to hide the latency of the FMA where the small grid is a single pixel.
    void sum_over_lanes() {
        const int reduction_lanes = lanes_within(large_channels, natural_lanes()), taps = tile.points[1];
        const int steps = (large_channels + reduction_lanes - 1) / reduction_lanes;
        const Func by_lane = kernel_by_lane(kernel, large_channels, small_channels, reduction_lanes);
        Func partial("partial");
        const auto within = [&](const Expr &channel) { return min(channel, large_channels - 1); };

        RDom r(0, steps, 0, kernel_width / taps, 0, kernel_height);
        const Expr channel = lane + reduction_lanes * r.x, column = tap + taps * r.y;
        partial(lane, tap, c, x, y, n) = element(0);
        const Expr value = window_at(r, within(channel), column, r.z);
        partial(lane, tap, c, x, y, n) += by_lane(channel, c, column, r.z) * value;
        const RDom all(0, reduction_lanes, 0, taps);
        sum(c, x, y, n) = initial(c);
        sum(c, x, y, n) += partial(all.x, all.y, c, x, y, n);

        schedule_tile_of = [=, this](Func &stage) mutable {
            sum.compute_at(stage, xo).store_in(MemoryType::Register).unroll(c).unroll(x);
            sum.update().reorder(all.x, all.y, c, x, y).atomic().vectorize(all.x).unroll(all.y).unroll(c).unroll(x);
            partial.compute_at(stage, xo).store_in(MemoryType::Register).vectorize(lane).unroll(tap).unroll(c).unroll(x);
            partial.update().reorder(lane, tap, c, x, y, r.x, r.y, r.z).vectorize(lane).unroll(tap).unroll(c).unroll(x);
        };
    }

    /// Channels by columns by taps of a row of the kernel, each with an accumulator of its own.
    std::vector<RegisterTile> lane_reduction_tiles() const {
        const int budget = accumulator_budget(get_target()), reduction_lanes = lanes_within(large_channels, natural_lanes());
        const auto count = [](int all, int each) { return (all + each - 1) / each; };
        std::vector<std::pair<double, RegisterTile>> ranked;
        for (int channels = 1; channels <= small_channels; channels *= 2) {
            for (int columns = 1; columns <= small_width; columns++) {
                for (int taps = 1; taps <= kernel_width; taps++) {
                    const int accumulators = channels * columns * taps;
                    if (kernel_width % taps != 0 || accumulators > budget) continue;
                    const double step = std::max({accumulators / 2.0, taps * (channels + columns) / 2.0, 4.0});
                    const double steps = count(large_channels, reduction_lanes) * (kernel_width / taps) * kernel_height;
                    const double sum_of_lanes = channels * columns * (taps / 2.0 + 3);  // additions and shuffles
                    ranked.emplace_back(count(small_channels, channels) * count(small_width, columns) * (steps * step + sum_of_lanes),
                                        RegisterTile{channels, {columns, taps, 1}});
                }
            }
        }
        return sort_tiles(ranked);
    }

    void schedule_output(const Epilogue &epilogue) {
        Func out = epilogue.out;
        out.bound(c, 0, small_channels).bound(x, 0, small_width).bound(y, 0, small_height);
        Func stage = out;
        if (needs_whole_pixels()) {
            stage = sum.in();
            stage.compute_at(out, n);
            keep_on_stack(stage, int64_t(small_channels) * small_width * small_height);
            out.reorder(c, x, y, n).vectorize(c, lanes_within(small_channels, natural_lanes()));
            for (Func reduction : epilogue.reductions) reduction.compute_at(out, x);
        }
        const bool reduces = reduces_lanes(method);
        const int channels = reduces ? tile.vectors : tile.vectors * lanes, rows = reduces ? 1 : tile.points[1];
        stage.split(c, co, ci, channels).split(x, xo, xi, tile.points[0]);
        if (block > 0 && !reduces) {
            stage.split(y, yb, y, std::min<int>(block * rows, small_height)).split(y, yo, yi, rows).reorder(ci, xi, yi, xo, yo, co, yb);
        } else {
            stage.split(y, yo, yi, rows).reorder(ci, xi, yi, xo, yo, co);
        }
        stage.vectorize(ci, std::min(channels, lanes)).unroll(ci).unroll(xi).unroll(yi);
        schedule_tile_of(stage);
        padding.compute_at(out, n, natural_lanes());
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Correlate, correlate)

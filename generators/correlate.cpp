// correlate: the small grid from the large one. conv2d's forward, conv2d_transpose's backward_data.
#include "data_contraction.h"
#include "register_tile.h"

namespace castnet {

class Correlate : public DataContraction<Correlate> {
public:
    Input<Buffer<float, 4>> large{"large"};    // (lc, x, y, n)
    Input<Buffer<float, 4>> kernel{"kernel"};  // (sc, lc, kx, ky)
    Output<Buffer<float, 4>> small{"small"};   // (sc, x, y, n)

    void generate() {
        const bool reduces_lanes = small_channels < narrow && large_channels >= narrow;
        tile = reduces_lanes ? lane_reduction_tile()
                             : register_tile(small_channels, lanes_within(small_channels, natural_lanes()), {small_width, small_height, 1});
        padding.define(large, large_channels, large_width, large_height, large_margins().skipping(skips_columns(), skips_rows()));
        lanes = lanes_within(small_channels, natural_lanes());
        if (reduces_lanes) {
            sum_over_lanes();
        } else {
            sum_in_lanes();
        }
        Epilogue epilogue = finish(sum, small_shape());
        small = epilogue.out;

        fix_shape(large, large_shape());
        fix_shape(kernel, {small_channels, large_channels, kernel_width, kernel_height});
        fix_shape(small, small_shape());
        schedule_output(epilogue);
    }

private:
    const Var c{"c"}, x{"x"}, y{"y"}, n{"n"}, lane{"lane"}, tap{"tap"};
    Var co{"co"}, ci{"ci"}, xo{"xo"}, xi{"xi"}, yo{"yo"}, yi{"yi"};
    ZeroPadding padding;
    Func sum{"sum"};
    std::function<void(Func &)> schedule_tile_of;  // makes one tile's accumulators under the given stage
    RegisterTile tile;
    int lanes = 1;

    // Products with the zeros around the large grid are left out, where the tile knows them: those of a single row, and of all columns.
    bool skips_rows() const { return pads_rows() && tile.points[1] == 1; }
    bool skips_columns() const { return pads_columns() && tile.points[0] >= small_width && large_channels >= natural_lanes(); }

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
            if (large_channels % 2 == 0) {
                sum.update().unroll(r.x, 2);
            } else if (large_channels == 1) {
                sum.update().unroll(r.x);
            }
        };
    }

    /// Few small channels, many large ones: the lanes share the reduction over large channels, and are added up at the end. Each column of
    /// the kernel has accumulators of its own, to hide the latency of the FMA where the small grid is a single pixel.
    void sum_over_lanes() {
        const int reduction_lanes = lanes_within(large_channels, natural_lanes());
        const int steps = (large_channels + reduction_lanes - 1) / reduction_lanes;
        const Func by_lane = kernel_by_lane(kernel, large_channels, small_channels, reduction_lanes);
        Func partial("partial");
        const auto within = [&](const Expr &channel) { return min(channel, large_channels - 1); };

        RDom r(0, steps, 0, kernel_height);
        const Expr channel = lane + reduction_lanes * r.x;
        partial(lane, tap, c, x, y, n) = 0.0F;
        const Expr value = window_at(r, within(channel), tap, r.y);
        partial(lane, tap, c, x, y, n) += by_lane(channel, c, tap, r.y) * value;
        const RDom all(0, reduction_lanes, 0, kernel_width);
        sum(c, x, y, n) = initial(c);
        sum(c, x, y, n) += partial(all.x, all.y, c, x, y, n);

        schedule_tile_of = [=, this](Func &stage) mutable {
            sum.compute_at(stage, xo).store_in(MemoryType::Register).unroll(c).unroll(x);
            sum.update().reorder(all.x, all.y, c, x, y).atomic().vectorize(all.x).unroll(all.y).unroll(c).unroll(x);
            partial.compute_at(stage, xo).vectorize(lane).unroll(tap).unroll(c).unroll(x);
            partial.update().reorder(lane, tap, c, x, y, r.x, r.y).vectorize(lane).unroll(tap).unroll(c).unroll(x);
        };
    }

    /// Columns of accumulators for all small channels and the kernel's columns.
    RegisterTile lane_reduction_tile() const {
        const int reduction_lanes = lanes_within(large_channels, natural_lanes());
        RegisterTile columns = choose_register_tile(reduction_lanes * small_channels, reduction_lanes, {small_width, 1, 1},
                                                    std::max(1, accumulator_budget(get_target()) / std::min<int>(kernel_width, 8)));
        columns.vectors = small_channels / lanes_within(small_channels, natural_lanes());
        return columns;
    }

    void schedule_output(Epilogue &epilogue) {
        Func out = epilogue.out;
        out.bound(c, 0, small_channels).bound(x, 0, small_width).bound(y, 0, small_height);
        Func stage = out;
        if (needs_whole_pixels()) {
            stage = sum.in();
            stage.compute_at(out, n);
            keep_on_stack(stage, int64_t(small_channels) * small_width * small_height);
            out.reorder(c, x, y, n).vectorize(c, lanes_within(small_channels, natural_lanes()));
            for (Func &reduction : epilogue.reductions) reduction.compute_at(out, x);
        }
        stage.split(c, co, ci, tile.vectors * lanes)
            .split(x, xo, xi, tile.points[0])
            .split(y, yo, yi, tile.points[1])
            .reorder(ci, xi, yi, xo, yo, co)
            .vectorize(ci, lanes)
            .unroll(ci)
            .unroll(xi)
            .unroll(yi);
        schedule_tile_of(stage);
        padding.compute_at(out, n, natural_lanes());
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Correlate, correlate)

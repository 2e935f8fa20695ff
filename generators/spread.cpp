// spread: the large grid from the small one, the transpose of correlate. conv2d_transpose's forward, conv2d's backward_data.
#include "data_contraction.h"
#include "register_tile.h"

namespace castnet {

/// Column X of the large grid is X = stride·x + phase. Within one phase the spread is a dense correlation of the small grid with every
/// stride-th tap of the kernel: with phase + pad = stride·shift + first, tap d is kernel column first + stride·d and reads column
/// x + shift - d. The same for rows.
class Spread : public DataContraction<Spread> {
public:
    Input<Buffer<float, 4>> small{"small"};    // (sc, x, y, n)
    Input<Buffer<float, 4>> kernel{"kernel"};  // (lc, sc, kx, ky), transposed by transpose_kernel
    Output<Buffer<float, 4>> large{"large"};   // (lc, x, y, n)

    void generate() {
        const bool few_positions = int(small_width) * int(small_height) < taps(kernel_width, stride_x) * taps(kernel_height, stride_y);
        Epilogue epilogue;
        if (few_positions) {
            epilogue = finish(sum_over_positions(), large_shape());
        } else {
            epilogue = finish(sum_over_taps(), large_shape());
        }
        large = epilogue.out;

        fix_shape(small, small_shape());
        fix_shape(kernel, {large_channels, small_channels, kernel_width, kernel_height});
        fix_shape(large, large_shape());
        Func out = epilogue.out;
        out.bound(c, 0, large_channels).bound(x, 0, large_width).bound(y, 0, large_height);
        for (Func &reduction : epilogue.reductions) reduction.compute_at(out, x);
        if (few_positions) {
            schedule_positions(out);
        } else {
            schedule_taps(out);
        }
    }

private:
    static constexpr int narrow = 8;  // channels below which half of an AVX2 vector or more would idle

    const Var c{"c"}, x{"x"}, y{"y"}, n{"n"};
    Var phase_x{"phase_x"}, phase_y{"phase_y"}, co{"co"}, ci{"ci"}, xo{"xo"}, xi{"xi"}, yo{"yo"}, yi{"yi"};
    Func window{"window"}, sum{"sum"}, phases{"phases"}, pixels{"pixels"};
    RDom r;

    static int taps(int kernel, int stride) { return (kernel + stride - 1) / stride; }

    /// phases(c, phase_x, x, phase_y, y, n): all phases of the large grid; returns it as (c, x, y, n).
    Func sum_over_taps() {
        const Func padded = zero_padded(small, small_channels, small_width, small_height);
        if (large_channels >= narrow) {
            window(c, x, y, n) = padded(c, x, y, n);
        } else {
            window(x, y, c, n) = padded(c, x, y, n);
        }
        const auto window_at = [&](const Expr &channel, const Expr &column, const Expr &row) {
            return large_channels >= narrow ? window(channel, column, row, n) : window(column, row, channel, n);
        };
        r = RDom(0, small_channels, 0, taps(kernel_width, stride_x), 0, taps(kernel_height, stride_y));
        const Expr first_x = (phase_x + pad_x) % stride_x, first_y = (phase_y + pad_y) % stride_y;
        r.where(r.y <= (kernel_width - 1 - first_x) / stride_x && r.z <= (kernel_height - 1 - first_y) / stride_y);
        // The minimum changes no tap that is read: it tells the bounds.
        const Expr kx = min(first_x + stride_x * r.y, kernel_width - 1), ky = min(first_y + stride_y * r.z, kernel_height - 1);
        sum(c, phase_x, x, phase_y, y, n) = 0.0F;
        sum(c, phase_x, x, phase_y, y, n) +=
            kernel(c, r.x, kx, ky) * window_at(r.x, x + (phase_x + pad_x) / stride_x - r.y, y + (phase_y + pad_y) / stride_y - r.z);
        phases(c, phase_x, x, phase_y, y, n) = sum(c, phase_x, x, phase_y, y, n);

        Func whole("whole");
        whole(c, x, y, n) = phases(c, x % stride_x, x / stride_x, y % stride_y, y / stride_y, n);
        return whole;
    }

    /// Where the small grid has fewer pixels than a phase has taps, nearly all taps would read zeros: the reduction runs over the small
    /// grid's pixels instead.
    Func sum_over_positions() {
        r = RDom(0, small_channels, 0, small_width, 0, small_height);
        const Expr kx = x + pad_x - stride_x * r.y;
        const Expr ky = y + pad_y - stride_y * r.z;
        if (!kernel_covers_grid()) r.where(kx >= 0 && kx < kernel_width && ky >= 0 && ky < kernel_height);
        sum(c, x, y, n) = 0.0F;
        sum(c, x, y, n) += kernel(c, r.x, clamp(kx, 0, kernel_width - 1), clamp(ky, 0, kernel_height - 1)) * small(r.x, r.y, r.z, n);
        pixels(c, x, y, n) = sum(c, x, y, n);
        return pixels;
    }

    /// Whether every pixel of the small grid reaches every pixel of the large one.
    bool kernel_covers_grid() const {
        const auto covers = [](int to, int from, int reach, int stride, int pad) {
            return pad - stride * (from - 1) >= 0 && to - 1 + pad < reach;
        };
        return covers(large_width, small_width, kernel_width, stride_x, pad_x) &&
               covers(large_height, small_height, kernel_height, stride_y, pad_y);
    }

    void schedule_positions(Func &out) {
        const int lanes = lanes_within(large_channels, natural_lanes());
        Func stage = out;
        if (needs_whole_pixels()) {
            stage = pixels;
            pixels.compute_at(out, n);
            keep_on_stack(pixels, int64_t(large_channels) * large_width * large_height);
            out.vectorize(c, lanes);
        }
        stage.split(c, co, ci, lanes).vectorize(ci);
        sum.compute_at(stage, co).vectorize(c, lanes);
        sum.update().reorder(c, r.x, r.y, r.z).vectorize(c, lanes);
    }

    void schedule_taps(Func &out) {
        phases.compute_at(out, n);
        window.compute_at(out, n);
        // Each with room for vectors beyond the last column.
        const int64_t columns = taps(large_width, stride_x) + natural_lanes(), rows = taps(large_height, stride_y);
        keep_on_stack(phases, int64_t(large_channels) * int(stride_x) * columns * int(stride_y) * rows);
        keep_on_stack(window, int64_t(small_channels) * (columns + taps(kernel_width, stride_x)) * (rows + taps(kernel_height, stride_y)));
        if (large_channels >= narrow) {
            schedule_channel_lanes();
            out.vectorize(c, lanes_within(large_channels, natural_lanes()));
        } else {
            schedule_column_lanes();
            const int pairs = large_width / int(stride_x);
            if (pairs * int(stride_x) == int(large_width) && !needs_whole_pixels()) {
                // The phases of a row are stored interleaved.
                out.split(x, xo, xi, stride_x).reorder(xi, xo, c, y, n).unroll(xi).vectorize(xo, std::min(pairs, natural_lanes()));
            }
        }
    }

    /// Many large channels: a lane for each.
    void schedule_channel_lanes() {
        const int lanes = lanes_within(large_channels, natural_lanes());
        const RegisterTile tile = choose_register_tile(
            large_channels, lanes, {taps(large_width, stride_x), taps(large_height, stride_y), 1}, accumulator_budget(get_target()));
        phases.split(c, co, ci, tile.vectors * lanes)
            .split(x, xo, xi, tile.points[0])
            .split(y, yo, yi, tile.points[1])
            .reorder(ci, xi, yi, xo, yo, phase_x, phase_y, co)
            .vectorize(ci, lanes)
            .unroll(ci)
            .unroll(xi)
            .unroll(yi);
        sum.compute_at(phases, xo).vectorize(c, lanes).unroll(c).unroll(x).unroll(y);
        sum.update().reorder(c, x, y, r.x, r.y, r.z).vectorize(c, lanes).unroll(c).unroll(x).unroll(y);
        if (small_channels % 4 == 0) sum.update().unroll(r.x, 4);
        window.vectorize(c, lanes_within(small_channels, natural_lanes()));
    }

    /// Few large channels: a lane for each column of a phase; the window is staged with its columns innermost. A tile holds all phases
    /// of as many rows as there are registers for, so that one load of the window serves every phase.
    void schedule_column_lanes() {
        const int columns = taps(large_width, stride_x);
        const int rows = taps(large_height, stride_y);
        const int lanes = std::min(natural_lanes(), next_power_of_two(columns));
        const int vectors = (columns + lanes - 1) / lanes;
        const int per_row = vectors * stride_x * stride_y * large_channels;
        const int most_rows = std::max(1, accumulator_budget(get_target()) / per_row);
        const int row_tiles = (rows + most_rows - 1) / most_rows;
        const int tile_rows = (rows + row_tiles - 1) / row_tiles;

        phases.reorder_storage(x, phase_x, c, phase_y, y, n)
            .align_storage(x, lanes)
            .split(y, yo, yi, tile_rows)
            .reorder(x, phase_x, c, phase_y, yi, yo)
            .vectorize(x, lanes, TailStrategy::RoundUp)
            .unroll(phase_x)
            .unroll(phase_y)
            .unroll(c)
            .unroll(yi);
        sum.compute_at(phases, yo)
            .reorder_storage(x, phase_x, c, phase_y, y, n)
            .reorder(x, phase_x, c, phase_y, y)
            .vectorize(x, lanes, TailStrategy::RoundUp)
            .unroll(x)
            .unroll(phase_x)
            .unroll(phase_y)
            .unroll(c)
            .unroll(y);
        sum.update()
            .reorder(phase_x, phase_y, c, x, y, r.y, r.z, r.x)
            .vectorize(x, lanes, TailStrategy::RoundUp)
            .unroll(x)
            .unroll(phase_x)
            .unroll(phase_y)
            .unroll(c)
            .unroll(y)
            .unroll(r.y)
            .unroll(r.z);
        window.align_storage(x, lanes).reorder(c, x, y).vectorize(x, lanes, TailStrategy::RoundUp);
    }

    static int next_power_of_two(int value) {
        int power = 1;
        while (power < value) power *= 2;
        return power;
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Spread, spread)

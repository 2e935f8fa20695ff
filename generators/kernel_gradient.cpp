// kernel_gradient: the gradient of the kernel from the large and the small grid. backward_weights of both layer kinds; the bias's gradient,
// a sum over the grid that the layer puts out, comes with it.
#include "contraction.h"
#include "register_tile.h"

namespace castnet {

enum class Grid { small, large };

class KernelGradient : public Contraction<KernelGradient> {
public:
    GeneratorParam<Grid> output_grid{"output_grid", Grid::small, {{"small", Grid::small}, {"large", Grid::large}}};
    GeneratorParam<bool> decays{"decays", false};  // adds decay · kernel: the gradient of L2 regularization, decay = 2λ

    Input<Buffer<float, 4>> large{"large"};                   // (lc, x, y, n)
    Input<Buffer<float, 4>> small{"small"};                   // (sc, x, y, n)
    Output<Buffer<float, 4>> gradient{"gradient"};            // (sc, lc, kx, ky)
    Output<Buffer<float, 1>> bias_gradient{"bias_gradient"};  // (c)

    void configure() {
        if (decays) {
            kernel = add_input<Buffer<float, 4>>("kernel");
            decay = add_input<float>("decay");
        }
    }

    void generate() {
        choose_tile();
        padding.define(large, large_channels, large_width, large_height, large_margins().skipping(skips_columns(), skips_rows()));
        const Expr images = small.dim(3).extent();
        r = RDom(0, small_width, 0, small_height, 0, sums_over_images() ? images : 1);
        image = RDom(0, images);
        const Expr column = skip_outside(r, r.x * stride_x + kx - pad_x, large_width, skips_columns());
        const Expr row = skip_outside(r, r.y * stride_y + ky - pad_y, large_height, skips_rows());
        sum(sc, lc, kx, ky, n) = 0.0F;
        sum(sc, lc, kx, ky, n) += small(sc, r.x, r.y, n + r.z) * padding.window(lc, column, row, n + r.z);
        const Expr penalty = decays ? *decay * (*kernel)(sc, lc, kx, ky) : 0.0F;
        if (sums_over_images()) {
            out(sc, lc, kx, ky) = penalty + sum(sc, lc, kx, ky, 0);
        } else {
            out(sc, lc, kx, ky) = penalty;
            out(sc, lc, kx, ky) += sum(sc, lc, kx, ky, image);
        }
        gradient = out;
        if (output_grid == Grid::small) {
            sum_bias(small, small_channels, small_width, small_height);
        } else {
            sum_bias(large, large_channels, large_width, large_height);
        }

        const std::vector<int> kernel_shape{small_channels, large_channels, kernel_width, kernel_height};
        fix_shape(large, large_shape());
        fix_shape(small, small_shape());
        fix_shape(gradient, kernel_shape);
        // Halide reads an output back with aligned loads: make it check that the caller's memory is.
        gradient.set_host_alignment(4 * natural_lanes());
        if (decays) fix_shape(*kernel, kernel_shape);
        schedule_gradient();
    }

private:
    const Var c{"c"}, x{"x"}, y{"y"}, n{"n"}, sc{"sc"}, lc{"lc"}, kx{"kx"}, ky{"ky"};
    ZeroPadding padding;
    Func sum{"sum"}, out{"out"};
    RDom r, image;
    Halide::GeneratorInput<Buffer<float, 4>> *kernel = nullptr;
    Halide::GeneratorInput<float> *decay = nullptr;

    // The lanes run over the channels `extent` of one grid, the tile over the channels `others` of the other.
    bool small_lanes = true;
    int extent = 1, others = 1, lanes = 1;
    RegisterTile tile;

    void choose_tile() {
        small_lanes = int(small_channels) >= int(large_channels) || small_channels >= natural_lanes();
        extent = small_lanes ? small_channels : large_channels;
        others = small_lanes ? large_channels : small_channels;
        lanes = lanes_within(extent, natural_lanes());
        tile = register_tile(extent, lanes, {kernel_width, others, kernel_height});
    }

    /// Products with the zeros around the large grid are left out, where that costs less than a copy of the grid with its zeros.
    bool skips_columns() const { return pads_columns() && (large_channels >= natural_lanes() || sums_over_images()); }
    bool skips_rows() const { return pads_rows() && (tile.points[2] == 1 || large_channels >= natural_lanes() || sums_over_images()); }

    /// Whether a tile's reduction runs over all images: where an image alone has too few positions to be worth the tile's way to memory.
    bool sums_over_images() const { return int(small_width) * int(small_height) < 16; }

    /// Else image by image, so that its two grids stay in the first-level cache while the tiles of the kernel pass over them. The lanes run
    /// over the grid with more channels; each step of the reduction multiplies them by a tile of the other grid's channels at the kernel's
    /// columns and rows.
    void schedule_gradient() {
        const Var v = small_lanes ? sc : lc;
        const Var s = small_lanes ? lc : sc;
        Var vo("vo"), vi("vi"), so("so"), si("si"), kxo("kxo"), kxi("kxi"), kyo("kyo"), kyi("kyi");

        out.bound(sc, 0, small_channels).bound(lc, 0, large_channels).bound(kx, 0, kernel_width).bound(ky, 0, kernel_height);
        Halide::Stage stage = out;
        if (!sums_over_images()) {
            out.vectorize(sc, lanes_within(small_channels, natural_lanes()));
            stage = out.update().reorder(v, kx, s, ky, image);
        }
        // A last tile that would reach beyond the kernel is shifted inwards, and must not add twice.
        const auto tail = [](int length, int factor) {
            return length % factor == 0 ? TailStrategy::RoundUp : TailStrategy::ShiftInwardsAndBlend;
        };
        stage.split(v, vo, vi, tile.vectors * lanes, tail(extent, tile.vectors * lanes))
            .split(kx, kxo, kxi, tile.points[0], tail(kernel_width, tile.points[0]))
            .split(s, so, si, tile.points[1], tail(others, tile.points[1]))
            .split(ky, kyo, kyi, tile.points[2], tail(kernel_height, tile.points[2]))
            .reorder(si, vi, kxi, kyi, kxo, so, kyo, vo)
            .vectorize(vi, lanes)
            .unroll(vi)
            .unroll(kxi)
            .unroll(si)
            .unroll(kyi);
        padding.compute_at(out, image, natural_lanes());
        sum.compute_at(out, kxo)
            .store_in(MemoryType::Register)
            .reorder_storage(v, s, kx, ky)
            .vectorize(v, lanes)
            .unroll(v)
            .unroll(kx)
            .unroll(s)
            .unroll(ky);
        sum.update().reorder(v, kx, s, ky, r.x, r.y, r.z).vectorize(v, lanes).unroll(v).unroll(kx).unroll(s).unroll(ky);
    }

    /// bias_gradient(c) = Σ grid(c, x, y, n), in registers: a few chains of additions side by side, as each would wait for itself.
    template <typename Operand>
    void sum_bias(const Operand &grid, int channels, int width, int height) {
        Func partial("bias_partial"), total("bias_total"), bias("bias");
        const bool by_channel = channels >= natural_lanes() || channels >= width;
        const int channel_lanes = lanes_within(channels, natural_lanes());
        const Var co("co"), ci("ci"), lane("lane"), chain("chain");
        if (by_channel) {
            // A chain for each of so many columns that they divide the row.
            int chains = 8;
            while (width % chains != 0) chains--;
            const RDom position(0, width / chains, 0, height, 0, small.dim(3).extent()), all(0, chains);
            partial(c, chain) = 0.0F;
            partial(c, chain) += grid(c, position.x * chains + chain, position.y, position.z);
            total(c) = 0.0F;
            total(c) += partial(c, all);
            partial.vectorize(c, channel_lanes).unroll(c).unroll(chain);
            partial.update().reorder(c, chain, position.x, position.y, position.z).vectorize(c, channel_lanes).unroll(c).unroll(chain);
            total.vectorize(c, channel_lanes);
            total.update().reorder(c, all).vectorize(c, channel_lanes).unroll(all);
        } else {
            // The lanes run along the columns, with a chain for each vector of a row.
            const int column_lanes = lanes_within(width, natural_lanes()), chains = (width + column_lanes - 1) / column_lanes;
            const RDom row(0, height, 0, small.dim(3).extent()), all(0, column_lanes, 0, chains);
            const Expr column = lane + column_lanes * chain;
            partial(lane, chain, c) = 0.0F;
            partial(lane, chain, c) += select(column < width, grid(c, min(column, width - 1), row.x, row.y), 0.0F);
            total(c) = 0.0F;
            total(c) += partial(all.x, all.y, c);
            partial.vectorize(lane, column_lanes);
            partial.update().reorder(lane, chain, row.x, row.y, c).vectorize(lane, column_lanes);
            total.update().reorder(all.x, all.y, c).atomic().vectorize(all.x);
        }
        bias(c) = total(c);
        bias_gradient = bias;
        fix_shape(bias_gradient, {channels});
        bias.bound(c, 0, channels).split(c, co, ci, channel_lanes).vectorize(ci);
        total.compute_at(bias, co).store_in(MemoryType::Register);
        partial.compute_at(bias, co).store_in(MemoryType::Stack);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::KernelGradient, kernel_gradient)

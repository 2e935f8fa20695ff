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
        // The caller's scratch space for the large grid with its zeros: (lc, x, y, n), in front of the window by the padding. It holds
        // all images, aligned to 64 bytes: the reduction over images runs inside the register tile's loops, and the stack is too small.
        if (reads_padding()) scratch = add_output<Buffer<float, 4>>("window");
    }

    void generate() {
        if (scratch != nullptr) {
            const Func padded = zero_padded(large, large_channels, large_width, large_height);
            window(c, x, y, n) = padded(c, x - pad_x, y - pad_y, n);
            *scratch = window;
        } else {
            window(c, x, y, n) = large(c, x, y, n);
        }
        r = RDom(0, small_width, 0, small_height, 0, small.dim(3).extent());
        sum(sc, lc, kx, ky) = 0.0F;
        sum(sc, lc, kx, ky) += small(sc, r.x, r.y, r.z) * window(lc, r.x * stride_x + kx, r.y * stride_y + ky, r.z);
        const Expr penalty = decays ? *decay * (*kernel)(sc, lc, kx, ky) : 0.0F;
        out(sc, lc, kx, ky) = sum(sc, lc, kx, ky) + penalty;
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
        if (decays) fix_shape(*kernel, kernel_shape);
        if (scratch != nullptr) schedule_window();
        schedule_gradient();
    }

private:
    const Var c{"c"}, x{"x"}, y{"y"}, n{"n"}, sc{"sc"}, lc{"lc"}, kx{"kx"}, ky{"ky"};
    Func window{"padded_window"}, sum{"sum"}, out{"out"};
    RDom r;
    Halide::GeneratorInput<Buffer<float, 4>> *kernel = nullptr;
    Halide::GeneratorInput<float> *decay = nullptr;
    Halide::GeneratorOutput<Buffer<float, 4>> *scratch = nullptr;

    void schedule_window() {
        fix_shape(*scratch, {large_channels, window_width(), window_height(), 0});
        // Halide reads an output back with aligned loads: make it check that the caller's memory is.
        scratch->set_host_alignment(4 * natural_lanes());
        window.bound(c, 0, large_channels).bound(x, 0, window_width()).bound(y, 0, window_height());
        const bool by_channel = large_channels >= window_width();
        window.vectorize(by_channel ? c : x, lanes_within(by_channel ? large_channels : window_width(), natural_lanes()));
    }

    /// The lanes run over the grid with more channels; each step of the reduction multiplies them by a tile of the other grid's channels at
    /// the kernel's columns and rows.
    void schedule_gradient() {
        const bool small_lanes = int(small_channels) >= int(large_channels) || small_channels >= natural_lanes();
        const Var v = small_lanes ? sc : lc;
        const Var s = small_lanes ? lc : sc;
        const int extent = small_lanes ? small_channels : large_channels;
        const int others = small_lanes ? large_channels : small_channels;
        const int lanes = lanes_within(extent, natural_lanes());
        const RegisterTile tile =
            choose_register_tile(extent, lanes, {kernel_width, others, kernel_height}, accumulator_budget(get_target()));
        Var vo("vo"), vi("vi"), so("so"), si("si"), kxo("kxo"), kxi("kxi"), kyo("kyo"), kyi("kyi");

        out.bound(sc, 0, small_channels).bound(lc, 0, large_channels).bound(kx, 0, kernel_width).bound(ky, 0, kernel_height);
        out.split(v, vo, vi, tile.vectors * lanes)
            .split(kx, kxo, kxi, tile.points[0])
            .split(s, so, si, tile.points[1])
            .split(ky, kyo, kyi, tile.points[2])
            .reorder(si, vi, kxi, kyi, kxo, so, kyo, vo)
            .vectorize(vi, lanes)
            .unroll(vi)
            .unroll(kxi)
            .unroll(si)
            .unroll(kyi);
        sum.compute_at(out, kxo).reorder_storage(v, s, kx, ky).vectorize(v, lanes).unroll(v).unroll(kx).unroll(s).unroll(ky);
        sum.update().reorder(v, kx, s, ky, r.x, r.y, r.z).vectorize(v, lanes).unroll(v).unroll(kx).unroll(s).unroll(ky);
    }

    /// bias_gradient(c) = Σ grid(c, x, y, n). Columns are summed apart first: a single chain of additions would wait for each other.
    template <typename Operand>
    void sum_bias(const Operand &grid, int channels, int width, int height) {
        Func columns("columns"), total("total"), bias("bias");
        const RDom rows(0, height, 0, small.dim(3).extent()), all(0, width);
        columns(c, x) = 0.0F;
        columns(c, x) += grid(c, x, rows.x, rows.y);
        total(c) = 0.0F;
        total(c) += columns(c, all);
        bias(c) = total(c);
        bias_gradient = bias;
        fix_shape(bias_gradient, {channels});

        const bool by_channel = channels >= width;
        const Var v = by_channel ? c : x;
        const int lanes = lanes_within(by_channel ? channels : width, natural_lanes());
        columns.compute_root().store_in(MemoryType::Stack).bound_extent(c, channels).bound_extent(x, width).vectorize(v, lanes);
        columns.update().reorder(c, x, rows.x, rows.y).vectorize(v, lanes, TailStrategy::GuardWithIf);
        const int channel_lanes = lanes_within(channels, natural_lanes());
        const Var co("co"), ci("ci");
        bias.bound(c, 0, channels).split(c, co, ci, channel_lanes).vectorize(ci);
        total.compute_at(bias, co).vectorize(c, channel_lanes);
        total.update().reorder(c, all).vectorize(c, channel_lanes);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::KernelGradient, kernel_gradient)

// kernel_gradient: the gradient of the kernel from the large and the small grid. backward_weights of both layer kinds; the bias's gradient,
// a sum over the grid that the layer puts out, comes with it.
#include "contraction.h"
#include "register_tile.h"

namespace castnet {

enum class Grid { small, large };

/// Whose channels fill the lanes.
enum class LaneGrid { automatic, small, large };

inline const std::map<std::string, LaneGrid> &lane_grid_names() {
    static const std::map<std::string, LaneGrid> names{
        {"automatic", LaneGrid::automatic}, {"small", LaneGrid::small}, {"large", LaneGrid::large}};
    return names;
}

/// What a tile's sum runs over before it goes to memory.
enum class SumOver { automatic, image, batch };

inline const std::map<std::string, SumOver> &sum_over_names() {
    static const std::map<std::string, SumOver> names{
        {"automatic", SumOver::automatic}, {"image", SumOver::image}, {"batch", SumOver::batch}};
    return names;
}

class KernelGradient : public Contraction<KernelGradient> {
public:
    GeneratorParam<Grid> output_grid{"output_grid", Grid::small, {{"small", Grid::small}, {"large", Grid::large}}};
    GeneratorParam<bool> decays{"decays", false};  // adds decay · kernel: the gradient of L2 regularization, decay = 2λ

    GeneratorParam<LaneGrid> method{"method", LaneGrid::automatic, lane_grid_names()};
    GeneratorParam<SumOver> sums{"sums", SumOver::automatic, sum_over_names()};

    Input<Buffer<Element, 4>> large{"large"};                   // (lc, x, y, n)
    Input<Buffer<Element, 4>> small{"small"};                   // (sc, x, y, n)
    Output<Buffer<Element, 4>> gradient{"gradient"};            // (sc, lc, kx, ky)
    Output<Buffer<Element, 1>> bias_gradient{"bias_gradient"};  // (c)

    void configure() {
        if (decays) {
            kernel = add_input<Buffer<Element, 4>>("kernel");
            decay = add_input<Element>("decay");
        }
    }

    std::vector<Method> space() const override {
        const auto method_of = [this](const std::string &name, bool lanes_of_small) {
            Choice sums_values{"sums", {"image", "batch"}};
            return Method{name, {tile_choice(tiles(lanes_of_small)), unroll_values(), block_values(), sums_values, padding_values()}};
        };
        std::vector<Method> methods{method_of("small", true), method_of("large", false)};
        if (!small_lanes(LaneGrid::automatic)) std::ranges::reverse(methods);
        return methods;
    }

    void generate() {
        choose_lanes();
        padding.define(large, large_channels, large_width, large_height, large_margins().skipping(skips_columns(), skips_rows()),
                       using_autoscheduler());
        const Expr images = small.dim(3).extent();
        const int rows = block_rows();
        r = RDom(0, small_width, 0, rows, 0, sums_over_images() ? images : 1);
        image = RDom(0, images, 0, small_height / rows);
        const Expr small_row = b * rows + r.y;
        const Expr column = skip_outside(r, r.x * stride_x + kx - pad_x, large_width, skips_columns());
        const Expr row = skip_outside(r, small_row * stride_y + ky - pad_y, large_height, skips_rows());
        sum(sc, lc, kx, ky, b, n) = element(0);
        sum(sc, lc, kx, ky, b, n) += small(sc, r.x, small_row, n + r.z) * padding.window(lc, column, row, n + r.z);
        const Expr penalty = decays ? *decay * (*kernel)(sc, lc, kx, ky) : element(0);
        if (sums_over_images()) {
            out(sc, lc, kx, ky) = penalty + sum(sc, lc, kx, ky, 0, 0);
        } else {
            out(sc, lc, kx, ky) = penalty;
            out(sc, lc, kx, ky) += sum(sc, lc, kx, ky, image.y, image.x);
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
        gradient.set_host_alignment(int(sizeof(Element)) * natural_lanes());
        if (decays) fix_shape(*kernel, kernel_shape);
        if (!using_autoscheduler()) schedule_gradient();
    }

private:
    const Var c{"c"}, x{"x"}, y{"y"}, n{"n"}, b{"b"}, sc{"sc"}, lc{"lc"}, kx{"kx"}, ky{"ky"};
    ZeroPadding padding;
    Func sum{"sum"}, out{"out"};
    RDom r, image;
    Halide::GeneratorInput<Buffer<Element, 4>> *kernel = nullptr;
    Halide::GeneratorInput<Element> *decay = nullptr;

    // The lanes run over the channels `extent` of one grid, the tile over the channels `others` of the other.
    bool small_in_lanes = true;
    int extent = 1, others = 1, lanes = 1;
    RegisterTile tile;

    bool small_lanes(LaneGrid wanted) const {
        if (wanted == LaneGrid::automatic) return int(small_channels) >= int(large_channels) || small_channels >= natural_lanes();
        return wanted == LaneGrid::small;
    }

    std::vector<RegisterTile> tiles(bool lanes_of_small) const {
        const int along = lanes_of_small ? small_channels : large_channels, across = lanes_of_small ? large_channels : small_channels;
        return register_tiles(along, lanes_within(along, natural_lanes()), {kernel_width, across, kernel_height});
    }

    void choose_lanes() {
        small_in_lanes = small_lanes(method);
        extent = small_in_lanes ? small_channels : large_channels;
        others = small_in_lanes ? large_channels : small_channels;
        lanes = lanes_within(extent, natural_lanes());
        tile = choose_tile(tiles(small_in_lanes), tile_text);
    }

    Choice unroll_values() const { return divisors_choice("unroll", small_width, {1, 2, 4, 7}); }

    /// Rows of the small grid that divide it, so that they and the large grid's stay in the first-level cache.
    Choice block_values() const {
        Choice choice{"block", {}};
        for (int rows = 1; rows <= small_height; rows++) {
            if (small_height % rows == 0 && (rows == small_height || rows * small_width >= 16))
                choice.values.push_back(std::to_string(rows));
        }
        return choice;
    }

    int block_rows() const {
        if (block == 0 || sums_over_images() || using_autoscheduler()) return small_height;
        if (int(small_height) % int(block) != 0) refuse("block=" + std::to_string(block) + " does not divide the rows");
        return block;
    }

    /// Products with the zeros around the large grid are left out, where that costs less than a copy of the grid with its zeros, or where
    /// there is no loop over images to make the copy in.
    bool skips_columns() const {
        return pads_columns() && !using_autoscheduler() && (sums_over_images() || skips(large_channels >= natural_lanes()));
    }
    bool skips_rows() const {
        return pads_rows() && !using_autoscheduler() &&
               (sums_over_images() || skips(tile.points[2] == 1 || large_channels >= natural_lanes()));
    }

    /// Whether a tile's reduction runs over all images: where an image alone has too few positions to be worth the tile's way to memory.
    bool sums_over_images() const {
        if (sums == SumOver::automatic || using_autoscheduler()) return using_autoscheduler() || int(small_width) * int(small_height) < 16;
        return sums == SumOver::batch;
    }

    /// Else image by image, so that its two grids stay in the first-level cache while the tiles of the kernel pass over them. The lanes run
    /// over the grid with more channels; each step of the reduction multiplies them by a tile of the other grid's channels at the kernel's
    /// columns and rows.
    void schedule_gradient() {
        const Var v = small_in_lanes ? sc : lc;
        const Var s = small_in_lanes ? lc : sc;
        Var vo("vo"), vi("vi"), so("so"), si("si"), kxo("kxo"), kxi("kxi"), kyo("kyo"), kyi("kyi");

        out.bound(sc, 0, small_channels).bound(lc, 0, large_channels).bound(kx, 0, kernel_width).bound(ky, 0, kernel_height);
        Halide::Stage stage = out;
        if (!sums_over_images()) {
            out.vectorize(sc, lanes_within(small_channels, natural_lanes()));
            stage = out.update().reorder(v, kx, s, ky, image.y, image.x);
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
        padding.compute_at(out, image.x, natural_lanes());
        sum.compute_at(out, kxo)
            .store_in(MemoryType::Register)
            .reorder_storage(v, s, kx, ky)
            .vectorize(v, lanes)
            .unroll(v)
            .unroll(kx)
            .unroll(s)
            .unroll(ky);
        sum.update().reorder(v, kx, s, ky, r.x, r.y, r.z).vectorize(v, lanes).unroll(v).unroll(kx).unroll(s).unroll(ky);
        if (unroll > 1) {
            if (int(small_width) % int(unroll) != 0) refuse("unroll=" + std::to_string(unroll) + " does not divide the columns");
            sum.update().unroll(r.x, unroll);
        }
    }

    /// bias_gradient(c) = Σ grid(c, x, y, n), in registers: a few chains of additions side by side, as each would wait for itself.
    template <typename Operand>
    void sum_bias(const Operand &grid, int channels, int width, int height) {
        Func partial("bias_partial"), total("bias_total"), bias("bias");
        if (using_autoscheduler()) {
            const RDom position(0, width, 0, height, 0, small.dim(3).extent());
            bias(c) = element(0);
            bias(c) += grid(c, position.x, position.y, position.z);
            bias_gradient = bias;
            fix_shape(bias_gradient, {channels});
            return;
        }
        const bool by_channel = channels >= natural_lanes() || channels >= width;
        const int channel_lanes = lanes_within(channels, natural_lanes());
        const Var co("co"), ci("ci"), e("e"), chain("chain");
        if (by_channel) {
            // A chain for each of so many columns that they divide the row.
            int chains = 8;
            while (width % chains != 0) chains--;
            const RDom position(0, width / chains, 0, height, 0, small.dim(3).extent()), all(0, chains);
            partial(c, chain) = element(0);
            partial(c, chain) += grid(c, position.x * chains + chain, position.y, position.z);
            total(c) = element(0);
            total(c) += partial(c, all);
            partial.vectorize(c, channel_lanes).unroll(c).unroll(chain);
            partial.update().reorder(c, chain, position.x, position.y, position.z).vectorize(c, channel_lanes).unroll(c).unroll(chain);
            total.vectorize(c, channel_lanes);
            total.update().reorder(c, all).vectorize(c, channel_lanes).unroll(all);
        } else {
            // The lanes run along a row of all channels, an accumulator for each element of it; what is left of the row in ever shorter
            // vectors, as overlapping ones would wait for each other.
            const int elements = width * channels;
            const RDom all(0, width);
            partial(e) = element(0);
            partial.vectorize(e, lanes_within(elements, natural_lanes()));
            for (int first = 0, part = 0; first < elements; part++) {
                const int row_lanes = lanes_within(elements - first, natural_lanes());
                const int count = (elements - first) / row_lanes * row_lanes;
                const RDom row(first, count, 0, height, 0, small.dim(3).extent());
                partial(row.x) += grid(row.x % channels, row.x / channels, row.y, row.z);
                partial.update(part).vectorize(row.x, row_lanes);
                if (count <= 8 * row_lanes) partial.update(part).unroll(row.x);  // few enough for registers
                first += count;
            }
            total(c) = element(0);
            total(c) += partial(c + channels * all);
            total.update().reorder(c, all).vectorize(c, channel_lanes);
        }
        bias(c) = total(c);
        bias_gradient = bias;
        fix_shape(bias_gradient, {channels});
        bias.bound(c, 0, channels).split(c, co, ci, channel_lanes).vectorize(ci);
        total.compute_at(bias, co).store_in(MemoryType::Register);
        if (by_channel) {
            partial.compute_at(bias, co).store_in(MemoryType::Stack);
        } else {
            partial.compute_root();
            keep_on_stack(partial, int64_t{width} * channels);
        }
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::KernelGradient, kernel_gradient)

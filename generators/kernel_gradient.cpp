// kernel_gradient: the gradient of the kernel from the large and the small grid. backward_weights of both layer kinds; the bias's gradient,
// a sum over the grid that the layer puts out, comes with it.
#include "bias_gradient.h"
#include "contraction.h"
#include "formulas.h"
#include "register_tile.h"

namespace castnet {

enum class Grid { small, large };

/// Whose channels fill the lanes: with winograd the small grid's, of tiles that are transformed (winograd.h).
enum class LaneGrid { automatic, small, large, winograd };

inline const std::map<std::string, LaneGrid> &lane_grid_names() {
    static const std::map<std::string, LaneGrid> names{
        {"automatic", LaneGrid::automatic}, {"small", LaneGrid::small}, {"large", LaneGrid::large}, {"winograd", LaneGrid::winograd}};
    return names;
}

/// What a tile's sum runs over before it goes to memory.
enum class SumOver { automatic, image, batch };

inline const std::map<std::string, SumOver> &sum_over_names() {
    static const std::map<std::string, SumOver> names{
        {"automatic", SumOver::automatic}, {"image", SumOver::image}, {"batch", SumOver::batch}};
    return names;
}

/// The lanes run over the channels of one grid; each step of the reduction multiplies them by a tile of the other grid's channels at the
/// kernel's columns and rows.
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
        std::vector<Method> methods;
        for (const bool of_small : {small_lanes(LaneGrid::automatic), !small_lanes(LaneGrid::automatic)}) {
            const bool of_batch = sums_over_images(SumOver::automatic, of_small);
            for (const bool each : {of_batch, !of_batch}) methods.push_back(method_of(of_small, each));
        }
        if (can_be_winograd()) methods.insert(is_winograd_by_default() ? methods.begin() : methods.end(), method_of_winograd());
        return methods;
    }

    void generate() {
        by_winograd = method == LaneGrid::automatic ? is_winograd_by_default() : method == LaneGrid::winograd;
        if (by_winograd) require_winograd();
        small_in_lanes = by_winograd || small_lanes(method);
        tile = choose_tile(by_winograd ? winograd_tiles() : tiles(small_in_lanes), tile_text);
        const Expr penalty = decays ? *decay * (*kernel)(sc, lc, kx, ky) : element(0);
        if (using_autoscheduler()) {
            out(sc, lc, kx, ky) = penalty + correlation_of_grids(*this, sc, lc, kx, ky);
        } else if (by_winograd) {
            sum_transformed_products();
            out(sc, lc, kx, ky) = penalty + sum_of_winograd();
        } else if (sums_over_images()) {
            sum_products();
            out(sc, lc, kx, ky) = penalty + sum(sc, lc, kx, ky, 0, 0);
        } else {
            sum_products();
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
    }

    void schedule() {
        if (using_autoscheduler()) return;
        out.bound(sc, 0, small_channels).bound(lc, 0, large_channels).bound(kx, 0, kernel_width).bound(ky, 0, kernel_height);
        if (by_winograd) {
            schedule_winograd();
        } else if (sums_over_images()) {
            schedule_batch();
        } else {
            schedule_images();
        }
        bias.schedule();
    }

private:
    const Var c{"c"}, b{"b"}, n{"n"}, sc{"sc"}, lc{"lc"}, kx{"kx"}, ky{"ky"};
    Var vo{"vo"}, vi{"vi"}, so{"so"}, si{"si"}, kxo{"kxo"}, kxi{"kxi"}, kyo{"kyo"}, kyi{"kyi"};
    Var i{"i"}, j{"j"}, p{"p"}, g{"g"};
    ZeroPadding padding;
    winograd::Tiles inputs, output_gradients;
    BiasGradient bias;
    Func sum{"sum"}, out{"out"}, transformed{"transformed"};
    RDom r, image;
    Halide::GeneratorInput<Buffer<Element, 4>> *kernel = nullptr;
    Halide::GeneratorInput<Element> *decay = nullptr;
    bool small_in_lanes = true, by_winograd = false;
    RegisterTile tile;  // vectors of the grid in lanes by the kernel's columns, the other grid's channels and the kernel's rows

    // The algorithm.

    /// sum(sc, lc, kx, ky, b, n): the products of image n in a block b of the small grid's rows, or of all rows and images.
    void sum_products() {
        padding.define(large, large_channels, large_width, large_height, large_margins().skipping(skips_columns(), skips_rows()));
        const Expr images = small.dim(3).extent();
        const int rows = block_rows();
        r = RDom(0, small_width, 0, rows, 0, sums_over_images() ? images : 1);
        image = RDom(0, images, 0, small_height / rows);
        const Expr small_row = b * rows + r.y;
        const Expr column = skip_outside(r, r.x * stride_x + kx - pad_x, large_width, skips_columns());
        const Expr row = skip_outside(r, small_row * stride_y + ky - pad_y, large_height, skips_rows());
        sum(sc, lc, kx, ky, b, n) = element(0);
        sum(sc, lc, kx, ky, b, n) += small(sc, r.x, small_row, n + r.z) * padding.window(lc, column, row, n + r.z);
    }

    /// transformed(sc, lc, j, i, p) = Σ (Bᵀ d B) · (A o Aᵀ) over the tiles of all images, d the numbers of the large grid's phase p and o
    /// the small grid's. The kernel's gradient is Gᵀ transformed G: the adjoint of Winograd's correlation.
    void sum_transformed_products() {
        namespace wg = winograd;
        const wg::Form form = winograd_form();
        inputs.define(wg::phases_of(large, large_shape(), form, pad_x, pad_y), form,
                      [](const auto &at, const Expr &row) { return wg::of_inputs(at, row); });
        output_gradients.define(wg::phases_of(small, small_shape(), {}, 0, 0), form,
                                [&](const auto &at, const Expr &row) { return wg::to_products(at, form, row); });
        const int rows = rows_of_tiles();
        r = RDom(0, form.tiles(small_width), 0, rows);
        image = RDom(0, small.dim(3).extent(), 0, form.tiles(small_height) / rows);
        const Expr row = b * rows + r.y;
        sum(sc, lc, j, i, p, b, n) = element(0);
        sum(sc, lc, j, i, p, b, n) += output_gradients.transformed(sc, r.x, row, j, i, 0, n) * inputs.transformed(lc, r.x, row, j, i, p, n);
        transformed(sc, lc, j, i, p) = element(0);
        transformed(sc, lc, j, i, p) += sum(sc, lc, j, i, p, image.y, image.x);
    }

    /// Gᵀ transformed G at (kx, ky).
    Expr sum_of_winograd() {
        const winograd::Form form = winograd_form();
        const Expr of_tap = kx % stride_x + stride_x * (ky % stride_y);
        const auto of_row = [&](int row) {
            return winograd::to_taps([&](int column) { return transformed(sc, lc, column, row, of_tap); }, form, kx / stride_x);
        };
        return winograd::to_taps(of_row, form, ky / stride_y);
    }

    template <typename Operand>
    void sum_bias(const Operand &grid, int channels, int width, int height) {
        const Expr images = small.dim(3).extent();
        if (using_autoscheduler()) {
            bias.bias(c) = sum_of_channel(grid, c, width, height, images);
        } else {
            bias.define(grid, channels, width, height, images, natural_lanes());
        }
        bias_gradient = bias.bias;
        fix_shape(bias_gradient, {channels});
    }

    /// Products with the zeros around the large grid are left out, where that costs less than a copy of the grid with its zeros, or where
    /// there is no loop over images to make the copy in.
    bool skips_columns() const {
        return pads_columns() && (sums_over_images() || skips(tile.points[0] == 1 || large_channels >= natural_lanes()));
    }
    bool skips_rows() const {
        return pads_rows() && (sums_over_images() || skips(tile.points[2] == 1 || large_channels >= natural_lanes()));
    }

    // The schedule.

    ///     for vo, kyo, so, kxo                    tiles
    ///       sum[tile] = 0
    ///       for r.z, r.y, r.x                     images, rows, columns of the small grid
    ///         sum[tile] += one grid[vectors] · the other[points]
    ///       out[tile] = penalty + sum[tile]
    void schedule_batch() { schedule_tiles(out); }

    /// Image by image, so that its two grids stay in the first-level cache while the tiles of the kernel pass over them.
    ///     out = penalty
    ///     for image.x                             images
    ///       window = large with its zeros         unless the reduction leaves them out
    ///       for image.y                           blocks of rows
    ///         for vo, kyo, so, kxo                tiles
    ///           sum[tile] = 0
    ///           for r.y, r.x                      rows, columns of the small grid
    ///             sum[tile] += one grid[vectors] · the other[points]
    ///           out[tile] += sum[tile]
    void schedule_images() {
        out.vectorize(sc, lanes_within(small_channels, natural_lanes()));
        padding.compute_at(out, image.x, natural_lanes());
        schedule_tiles(out.update().reorder(lane_channel(), kx, point_channel(), ky, image.y, image.x));
    }

    ///     for g                                   groups of small channels, one where their sums fit on the stack
    ///       transformed = 0
    ///       for image.x, image.y                  images, blocks of rows of tiles
    ///         inputs = Bᵀ large B, output_gradients = A small Aᵀ
    ///         for p, i, j, vo, so                 phases; products of a tile; tiles of registers
    ///           sum[tile] = 0
    ///           for r.y, r.x                      tiles
    ///             sum[tile] += output_gradients[vectors] · inputs[points]
    ///           transformed[tile] += sum[tile]
    ///       out = penalty + Gᵀ transformed G
    void schedule_winograd() {
        const winograd::Form form = winograd_form();
        const int lanes = lanes_within(small_channels, natural_lanes()), group = winograd_group();
        const int columns = form.tiles(small_width), rows = rows_of_tiles();
        const Halide::LoopLevel each_block(transformed, image.y);
        out.split(sc, g, sc, group).vectorize(sc, lanes).reorder(sc, kx, ky, lc, g).unroll(kx).unroll(ky);
        transformed.compute_at(out, g).vectorize(sc, lanes);
        keep_on_stack(transformed, form.kernel_size(large_channels, group));
        transformed.update()
            .split(sc, vo, vi, tile.vectors * lanes, tail(group, tile.vectors * lanes))
            .split(lc, so, si, tile.points[1], tail(large_channels, tile.points[1]))
            .reorder(si, vi, so, vo, j, i, p, image.y, image.x)
            .vectorize(vi, lanes)
            .unroll(vi)
            .unroll(si);
        accumulate_in_registers(sum, {transformed, so}, sc, lanes, {lc}, {r.x, r.y});
        inputs.schedule(each_block, large_channels, natural_lanes(), form.phases(), columns, rows);
        output_gradients.schedule(each_block, group, natural_lanes(), 1, columns, rows);
    }

    /// A last tile that would reach beyond the kernel is shifted inwards, and must not add twice.
    static TailStrategy tail(int length, int factor) {
        return length % factor == 0 ? TailStrategy::RoundUp : TailStrategy::ShiftInwardsAndBlend;
    }

    void schedule_tiles(Halide::Stage stage) {
        const Var v = lane_channel(), s = point_channel();
        stage.split(v, vo, vi, tile.vectors * lanes(), tail(lane_channels(small_in_lanes), tile.vectors * lanes()))
            .split(kx, kxo, kxi, tile.points[0], tail(kernel_width, tile.points[0]))
            .split(s, so, si, tile.points[1], tail(lane_channels(!small_in_lanes), tile.points[1]))
            .split(ky, kyo, kyi, tile.points[2], tail(kernel_height, tile.points[2]))
            .reorder(si, vi, kxi, kyi, kxo, so, kyo, vo)
            .vectorize(vi, lanes())
            .unroll(vi)
            .unroll(kxi)
            .unroll(si)
            .unroll(kyi);
        accumulate_in_registers(sum, {out, kxo}, v, lanes(), {kx, s, ky}, {r.x, r.y, r.z});
        sum.reorder_storage(v, s, kx, ky);
        if (int(small_width) % std::max<int>(1, unroll) != 0) refuse("unroll=" + std::to_string(unroll) + " does not divide the columns");
        if (unroll > 1) sum.update().unroll(r.x, unroll);
    }

    // The choices.

    /// Over a batch there is no copy to make and no block to stay in the cache. Tables of earlier searches name `padding` and `block` there
    /// too: they are ignored, not refused.
    Method method_of(bool of_small, bool of_batch) const {
        const std::string lanes_of = of_small ? "small" : "large", sums_over = of_batch ? "batch" : "image";
        std::vector<Choice> choices{{"method", {lanes_of}}, {"sums", {sums_over}}, tile_choice(tiles(of_small)), unroll_values()};
        if (!of_batch) choices.insert(choices.end(), {block_values(), padding_values()});
        return {lanes_of + " by " + sums_over, choices};
    }

    Method method_of_winograd() const { return {"winograd", {tile_choice(winograd_tiles()), {"block", blocks_of_tiles()}}}; }

    /// Rows of tiles that divide all of them.
    std::vector<std::string> blocks_of_tiles() const {
        const int rows = winograd_form().tiles(small_height);
        std::vector<std::string> blocks;
        for (int each = 1; each <= rows; each++) {
            if (rows % each == 0 && tiles_size(each) <= most_on_stack) blocks.push_back(std::to_string(each));
        }
        return blocks;
    }

    int rows_of_tiles() const {
        const int rows = winograd_form().tiles(small_height);
        if (block > 0 && rows % int(block) != 0) refuse("block=" + std::to_string(block) + " does not divide the rows of tiles");
        if (block > 0) return block;
        // Half a second-level cache of a mebibyte or more holds them beside the sums: the best of 1, 2, 4 … rows on 5 shapes (amd-25-17).
        constexpr int64_t most = (512 << 10) / sizeof(Element);
        int each = rows;
        while (each > 1 && (rows % each != 0 || tiles_size(each) > most)) each--;
        return each;
    }

    /// The numbers of so many rows of tiles, of both grids.
    int64_t tiles_size(int rows) const {
        const winograd::Form form = winograd_form();
        return winograd::size(int(small_channels) + form.phases() * int(large_channels), form.tiles(small_width), rows);
    }

    int winograd_group() const { return winograd_form().group(large_channels, small_channels, natural_lanes()); }

    std::vector<RegisterTile> winograd_tiles() const {
        return register_tiles(winograd_group(), lanes_within(small_channels, natural_lanes()), {1, large_channels, 1},
                              int64_t{winograd_form().tiles(small_width)} * rows_of_tiles());
    }

    bool small_lanes(LaneGrid wanted) const {
        if (wanted == LaneGrid::automatic) return int(small_channels) >= int(large_channels) || small_channels >= natural_lanes();
        return wanted == LaneGrid::small;
    }

    int lane_channels(bool of_small) const { return of_small ? small_channels : large_channels; }
    int lanes() const { return lanes_within(lane_channels(small_in_lanes), natural_lanes()); }
    Var lane_channel() const { return small_in_lanes ? sc : lc; }
    Var point_channel() const { return small_in_lanes ? lc : sc; }

    std::vector<RegisterTile> tiles(bool lanes_of_small) const {
        const int along = lane_channels(lanes_of_small), across = lane_channels(!lanes_of_small);
        const int lanes = lanes_within(along, natural_lanes());
        std::vector<RegisterTile> tiles =
            register_tiles(along, lanes, {kernel_width, across, kernel_height}, int64_t{small_width} * small_height);
        const auto is_of_one_tap = [](const RegisterTile &each) { return each.points[0] == 1 && each.points[2] == 1; };
        if (along / lanes * across >= enough_accumulators && large_margins().any() && padding_choice != PaddingChoice::stage)
            std::stable_partition(tiles.begin(), tiles.end(), is_of_one_tap);
        return tiles;
    }

    /// A tile of one tap knows which products are with zeros, so that the loops over positions are shorter, without a test in them: best
    /// wherever its accumulators hide most of the FMA's latency. On 15 shapes that were measured (amd-25-17) it was as fast as the best
    /// other tile, or up to 2.1 times as fast.
    static constexpr int enough_accumulators = 6;

    Choice unroll_values() const { return divisors_choice("unroll", small_width, {1, 2, 4, 7}); }

    /// Whether a tile's reduction runs over all images: where an image alone has too few positions to be worth the tile's way to memory.
    /// With the small grid's channels in lanes the default network's grids were measured, of 196 positions, 49 and 1: 16 lies well between.
    /// The others scatter, as the small grid's channels are innermost in memory: over images 64 and 196 positions took 1.2 to 1.9 times as
    /// long with 8 channels, 784 as long (amd-25-17).
    bool sums_over_images(SumOver wanted, bool of_small) const {
        const int few_positions = of_small ? 16 : 256;
        return wanted == SumOver::automatic ? int(small_width) * int(small_height) < few_positions : wanted == SumOver::batch;
    }
    bool sums_over_images() const { return sums_over_images(sums, small_in_lanes); }

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
        if (block == 0 || sums_over_images()) return small_height;
        if (int(small_height) % int(block) != 0) refuse("block=" + std::to_string(block) + " does not divide the rows");
        return block;
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::KernelGradient, kernel_gradient)

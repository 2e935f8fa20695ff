// What correlate and spread share: they make one grid from another, and finish it in one of two ways.
#pragma once

#include "grid_pass.h"
#include "register_tile.h"

namespace castnet {

/// Adds the epilogue's operand to a contraction of data:
/// forward        out = activation(sum + bias), `bias`(c) the layer's;
/// backward_data  out = sum · activation'(z), activation the previous layer's, `output`(c, x, y, n) = activation(z) on the grid of `out`.
template <typename Derived>
class DataContraction : public GridPass<Contraction<Derived>> {
public:
    void configure() {
        if (pass == Pass::forward) bias_ = this->template add_input<Halide::Buffer<Element, 1>>("bias");
        this->add_output_kept();
    }

protected:
    static constexpr int narrow = 8;  // channels below which half of an AVX2 vector or more would idle

    using Base = GridPass<Contraction<Derived>>;
    using Base::c, Base::x, Base::y, Base::n, Base::epilogue, Base::pass, Base::activation;
    const Halide::Var lane{"lane"}, ni{"ni"};
    ZeroPadding padding;  // of the grid that is read
    Halide::Func by_lane{"kernel_by_lane"};
    Halide::Func pixels{"pixels"};  // (c, x, y, n), the finished sums
    winograd::Correlation fast;

    // The algorithm.

    /// by_lane(lane, c, kx, ky): the kernel (narrow, wide, kx, ky) with the wide grid's channels along the lanes, zero beyond the last: for
    /// a reduction that the lanes share.
    template <typename Kernel>
    void define_by_lane(const Kernel &kernel, int wide_channels) {
        const Halide::Var kx("kx"), ky("ky");
        by_lane(lane, c, kx, ky) = select(lane < wide_channels, kernel(c, min(lane, wide_channels - 1), kx, ky), element(0));
    }

    /// In fewer products: each phase of `grid`(c, x, y, p, n) meets its taps of `kernel`, of which tap(kx, ky, p) returns column and row.
    template <typename Grid, typename Kernel, typename Tap>
    void sum_by_winograd(const Grid &grid, const Kernel &kernel, const Tap &tap, const winograd::Tiling &tiling) {
        const auto of_phase = [&](const Halide::Expr &to, const Halide::Expr &from, int kx, int ky, const Halide::Expr &p) {
            const auto at = [&](const Halide::Expr &column, const Halide::Expr &row) { return kernel(to, from, column, row); };
            const auto [column, row] = tap(kx, ky, p);
            return winograd::zero_outside(at, this->kernel_width, this->kernel_height, column, row);
        };
        fast.define(grid, of_phase, tiling);
        pixels(c, x, y, n) = initial(c) + fast.at(c, x, y, n);
    }

    /// What the sum of a channel begins with: the bias in the forward pass.
    Halide::Expr initial(const Halide::Expr &channel) { return pass == Pass::forward ? (*bias_)(channel) : element(0); }

    /// The epilogue on `pixels`, whose sums began with initial(c), and whose grid has `shape`.
    void define_epilogue(const std::vector<int> &shape) {
        const int channels = shape[0];
        if (pass == Pass::backward_data) {
            this->define_gradient_epilogue(pixels, shape);
        } else {
            fix_shape(*bias_, {channels});
            epilogue = activate(activation_of(activation), pixels, channels);
        }
    }

    // The schedule.

    /// How many images a tile may hold: where the small grid is one pixel, a layer is a product of matrices, and each vector of the kernel
    /// that is loaded serves them all. Shards of a batch of 32 have as many. Softmax finishes whole images.
    [[nodiscard]] int most_tile_images() const {
        const bool is_pixel = this->small_width == 1 && this->small_height == 1 && !this->large_margins().any();
        return is_pixel && activation.value() != "softmax" ? 8 : 1;
    }

    /// Lets schedule(stage) lay the loops of `stage` out for tiles of so many images, of all `images`, and once more for image by image
    /// where there are fewer. The last tile is shifted inwards, and makes some images twice.
    template <typename Schedule>
    void schedule_tiles_of_images(Halide::Func &stage, int tile_images, const Halide::Expr &images, const Schedule &schedule) {
        if (tile_images == 1) {
            schedule(stage);
            return;
        }
        Halide::Stage many = stage.specialize(images >= tile_images), few = stage;
        schedule(many.split(n, n, ni, tile_images, Halide::TailStrategy::ShiftInwards).unroll(ni));
        schedule(few.split(n, n, ni, 1));
    }

    /// Made once a call: `steps` vectors of the wide grid's channels.
    void schedule_by_lane(int narrow_channels, int lanes, int steps) {
        keep_on_stack(by_lane, int64_t{narrow_channels} * steps * lanes * this->kernel_width * this->kernel_height);
        by_lane.compute_root().vectorize(lane, lanes).reorder(c, lane).unroll(c);
    }

    /// The last loops, over a grid of `shape`; what softmax sums over a pixel's channels is made beside the pixel.
    void schedule_epilogue(const std::vector<int> &shape) {
        epilogue.out.bound(c, 0, shape[0]).bound(x, 0, shape[1]).bound(y, 0, shape[2]);
        for (Halide::Func &reduction : epilogue.reductions) reduction.compute_at(epilogue.out, x);
    }

    /// The stage that finishes the sums, in rows of `width`: the epilogue itself, or `pixels` of a whole image before it, where the
    /// epilogue needs whole pixels or its own rows are shorter.
    Halide::Func sums_stage(const std::vector<int> &shape, int width) {
        const bool needs_whole_pixels = activation.value() == "softmax";
        if (!needs_whole_pixels && width == shape[1]) return epilogue.out;
        pixels.compute_at(epilogue.out, n).bound(c, 0, shape[0]).bound(x, 0, width).bound(y, 0, shape[2]);
        keep_on_stack(pixels, int64_t{shape[0]} * width * shape[2]);
        epilogue.out.vectorize(c, lanes_within(shape[0], this->natural_lanes()));
        return pixels;
    }

    [[nodiscard]] std::vector<RegisterTile> winograd_tiles(const winograd::Tiling &tiling) const {
        const auto most_rows = static_cast<int>(most_on_stack / tiling.size(1));
        const int channels = tiling.form.group(tiling.from[0], tiling.to[0], this->natural_lanes());
        return this->register_tiles(channels, lanes_within(channels, this->natural_lanes()),
                                    {tiling.columns(), std::min(tiling.rows(), most_rows), 1}, tiling.steps());
    }
    static Choice winograd_blocks() { return {"block", {"0", "2", "4", "8"}}; }  // rows of register tiles; 0 is one

private:
    Halide::GeneratorInput<Halide::Buffer<Element, 1>> *bias_ = nullptr;
};

}  // namespace castnet

// stretch_kernel, fold_gradient: the kernel of the map that a conv2d behind an upsample makes with it, and the adjoint.
//
// An upsample by s repeats each number s times, and a conv2d with k taps sums the repeated ones:
//
//     Σ_t kernel(t) · from(⌊(y + t - pad) / s⌋)  =  Σ_i from(i) · stretched(y - s·i + k - 1 - pad),
//     stretched(u) = Σ_{0 ≤ j < s} kernel(k - 1 - u + j),  0 ≤ u < k + s - 1.
//
// So the two are a conv2d_transpose with stride s. Its large grid is the conv2d's output, and its kernel has the channels the other way.
#include "contraction.h"
#include "register_tile.h"

namespace castnet {

/// The map'sc geometry, and the kernels that belong to it.
template <typename Derived>
class StretchedMap : public BilinearMap<Derived> {
protected:
    using Base = BilinearMap<Derived>;
    using Base::kernel_height, Base::kernel_width, Base::large_channels, Base::small_channels, Base::stride_x, Base::stride_y;
    const Halide::Var sc{"sc"}, lc{"lc"}, x{"x"}, y{"y"};

    int own_width() const { return int(kernel_width) - int(stride_x) + 1; }
    int own_height() const { return int(kernel_height) - int(stride_y) + 1; }
    /// Of the conv2d, whose large grid is the map'sc small one.
    std::vector<int> own_shape() const { return {large_channels, small_channels, own_width(), own_height()}; }
    std::vector<int> stretched_shape() const { return {small_channels, large_channels, kernel_width, kernel_height}; }
    Halide::RDom taps() const { return Halide::RDom(0, int(stride_x), 0, int(stride_y)); }

    int lanes_of(int channels) const { return lanes_within(channels, this->natural_lanes()); }
};

class StretchKernel : public StretchedMap<StretchKernel> {
public:
    Input<Buffer<Element, 4>> kernel{"kernel"};         // (lc, sc, x, y)
    Output<Buffer<Element, 4>> stretched{"stretched"};  // (sc, lc, x, y)

    void generate() {
        const Halide::RDom j = taps();
        const Expr column = own_width() - 1 - x + j.x, row = own_height() - 1 - y + j.y;
        const Expr is_tap = column >= 0 && column < own_width() && row >= 0 && row < own_height();
        Func sum("sum"), out("out");
        sum(sc, lc, x, y) += select(is_tap, kernel(lc, sc, clamp(column, 0, own_width() - 1), clamp(row, 0, own_height() - 1)), element(0));
        out(sc, lc, x, y) = sum(sc, lc, x, y);
        stretched = out;
        fix_shape(kernel, own_shape());
        fix_shape(stretched, stretched_shape());

        // for y, x, lc, vector of sc: the taps
        const Halide::Var vector("vector");
        const std::vector<int> shape = stretched_shape();
        out.bound(sc, 0, shape[0]).bound(lc, 0, shape[1]).bound(x, 0, shape[2]).bound(y, 0, shape[3]);
        out.split(sc, vector, sc, lanes_of(small_channels)).vectorize(sc);
        sum.compute_at(out, vector)
            .vectorize(sc, lanes_of(small_channels))
            .update()
            .reorder(sc, j.x, j.y)
            .vectorize(sc, lanes_of(small_channels));
    }
};

class FoldGradient : public StretchedMap<FoldGradient> {
public:
    Input<Buffer<Element, 4>> stretched{"stretched"};  // (sc, lc, x, y)
    Output<Buffer<Element, 4>> gradient{"gradient"};   // (lc, sc, x, y)

    GeneratorParam<bool> decays{"decays", false};  // adds decay · kernel: the gradient of L2 regularization, decay = 2λ

    void configure() {
        if (!decays) return;
        kernel_ = add_input<Buffer<Element, 4>>("kernel");
        decay_ = add_input<Element>("decay");
    }

    void generate() {
        const Halide::RDom j = taps();
        Func sum("sum"), out("out");
        sum(sc, lc, x, y) += stretched(sc, lc, own_width() - 1 - x + j.x, own_height() - 1 - y + j.y);
        out(lc, sc, x, y) = decays ? sum(sc, lc, x, y) + *decay_ * (*kernel_)(lc, sc, x, y) : sum(sc, lc, x, y);
        gradient = out;
        fix_shape(stretched, stretched_shape());
        fix_shape(gradient, own_shape());
        if (decays) fix_shape(*kernel_, own_shape());

        // for y, x, square of vectors: the taps, along sc; then out, along lc
        const Halide::Var so("so"), lo("lo");
        const std::vector<int> shape = own_shape();
        const int along = lanes_of(large_channels), across = lanes_of(small_channels);
        out.bound(lc, 0, shape[0]).bound(sc, 0, shape[1]).bound(x, 0, shape[2]).bound(y, 0, shape[3]);
        out.tile(lc, sc, lo, so, lc, sc, along, across).vectorize(lc);
        sum.compute_at(out, lo).store_in(Halide::MemoryType::Stack).vectorize(sc, across);
        sum.update().reorder(sc, j.x, j.y, lc).vectorize(sc, across);
    }

private:
    Halide::GeneratorInput<Buffer<Element, 4>> *kernel_ = nullptr;
    Halide::GeneratorInput<Element> *decay_ = nullptr;
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::StretchKernel, stretch_kernel)
HALIDE_REGISTER_GENERATOR(castnet::FoldGradient, fold_gradient)

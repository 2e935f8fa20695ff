// fold_gradient: the gradient of a conv2d's kernel from that of the map which it makes with the upsample before it.
#include "stretched_map.h"

namespace castnet {

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

HALIDE_REGISTER_GENERATOR(castnet::FoldGradient, fold_gradient)

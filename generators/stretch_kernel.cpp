// stretch_kernel: the kernel of the map that a conv2d makes with the upsample before it. Run once after the weights have changed.
#include "stretched_map.h"

namespace castnet {

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

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::StretchKernel, stretch_kernel)

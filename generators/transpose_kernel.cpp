// transpose_kernel: a kernel as spread reads it, with the large grid's channels innermost. Run once after the weights have changed.
#include "contraction.h"
#include "register_tile.h"

namespace castnet {

class TransposeKernel : public BilinearMap<TransposeKernel> {
public:
    Input<Buffer<Element, 4>> kernel{"kernel"};           // (sc, lc, kx, ky)
    Output<Buffer<Element, 4>> transposed{"transposed"};  // (lc, sc, kx, ky)

    void generate() {
        const Var c("lc"), s("sc"), kx("kx"), ky("ky");
        Func block("block"), out("out");
        block(c, s, kx, ky) = kernel(s, c, kx, ky);
        out(c, s, kx, ky) = block(c, s, kx, ky);
        transposed = out;

        fix_shape(kernel, {small_channels, large_channels, kernel_width, kernel_height});
        fix_shape(transposed, {large_channels, small_channels, kernel_width, kernel_height});
        out.bound(c, 0, large_channels).bound(s, 0, small_channels).bound(kx, 0, kernel_width).bound(ky, 0, kernel_height);
        // Squares whose rows are vectors of 8 are transposed within registers. Of wider ones the compiler makes twice the shuffles.
        const int side = std::min(8, natural_lanes()), along = lanes_within(large_channels, side),
                  across = lanes_within(small_channels, side);
        const Var co("co"), so("so");
        out.tile(c, s, co, so, c, s, along, across).vectorize(c).unroll(s);
        block.compute_at(out, co).store_in(Halide::MemoryType::Stack).vectorize(s, across).unroll(c);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::TransposeKernel, transpose_kernel)

// transpose_kernel: a kernel as spread reads it, with the large grid's channels innermost. Run once after the weights have changed.
#include "contraction.h"
#include "register_tile.h"

namespace castnet {

class TransposeKernel : public BilinearMap<TransposeKernel> {
public:
    Input<Buffer<Element, 4>> kernel{"kernel"};           // (sc, lc, kx, ky)
    Output<Buffer<Element, 4>> transposed{"transposed"};  // (lc, sc, kx, ky)

    void generate() {
        const Var c("c"), s("s"), kx("kx"), ky("ky");
        Func out("out");
        out(c, s, kx, ky) = kernel(s, c, kx, ky);
        transposed = out;

        fix_shape(kernel, {small_channels, large_channels, kernel_width, kernel_height});
        fix_shape(transposed, {large_channels, small_channels, kernel_width, kernel_height});
        out.bound(c, 0, large_channels).bound(s, 0, small_channels).bound(kx, 0, kernel_width).bound(ky, 0, kernel_height);
        out.vectorize(c, lanes_within(large_channels, natural_lanes()));
        // Neighbouring rows share the cache lines of the strided loads.
        if (small_channels % 4 == 0) out.unroll(s, 4);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::TransposeKernel, transpose_kernel)

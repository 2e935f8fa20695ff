// squared_norm: Σ w², the penalty of L2 regularization without its factor.
#include "Halide.h"
#include "element.h"

namespace castnet {

class SquaredNorm : public Halide::Generator<SquaredNorm> {
public:
    Input<Buffer<Element, 1>> values{"values"};
    Output<Buffer<Element, 0>> norm{"norm"};

    void generate() {
        // Sixteen sums, whatever the target's vectors: the result is the same on all of them.
        const int width = 16;
        const Var lane("lane");
        const Expr count = values.dim(0).extent();
        const RDom steps(0, (count + width - 1) / width), lanes(0, width);
        const Expr index = steps * width + lane;
        const Expr value = select(index < count, values(clamp(index, 0, count - 1)), element(0));
        Func partial("partial"), total("total");
        partial(lane) = element(0);
        partial(lane) += value * value;
        total() = element(0);
        total() += partial(lanes);
        norm() = total();

        values.set_estimates({{0, 1 << 14}});
        partial.compute_root().bound_extent(lane, width).vectorize(lane).update().reorder(lane, steps).vectorize(lane);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::SquaredNorm, squared_norm)

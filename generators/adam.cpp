// adam: one step of Adam as Keras takes it, in place, on any number of parameters. g is the sum of the shards' gradients, in their order:
//     m += (1 - β₁)(g - m),  v += (1 - β₂)(g² - v),  w -= rate · m / (√v + ε),  rate = learning_rate · √(1 - β₂ᵗ) / (1 - β₁ᵗ)
// (Kingma & Ba 2015, the efficient form at the end of section 2; ε stands outside the bias correction).
#include "Halide.h"
#include "element.h"

namespace castnet {

class Adam : public Halide::Generator<Adam> {
public:
    Input<Buffer<Element, 2>> gradients{"gradients"};  // (parameter, shard)
    Input<Element> rate{"rate"}, beta_1{"beta_1"}, beta_2{"beta_2"}, epsilon{"epsilon"};
    Output<Func> state{"state", {element_type(), element_type(), element_type()}, 1};  // w, m, v

    void generate() {
        // An update of the outputs' own elements, which are all read before the first is written.
        const Var i("i"), block("block"), lane("lane");
        const RDom shard(0, gradients.dim(1).extent());
        Func gradient("gradient");
        gradient(i) = element(0);
        gradient(i) += gradients(i, shard);
        Func step("step");
        step(i) = Tuple(Halide::undef<Element>(), Halide::undef<Element>(), Halide::undef<Element>());
        const Expr g = gradient(i);
        const Expr m = step(i)[1] + (1.0F - beta_1) * (g - step(i)[1]);
        const Expr v = step(i)[2] + (1.0F - beta_2) * (g * g - step(i)[2]);
        step(i) = Tuple(step(i)[0] - rate * m / (sqrt(v) + epsilon), m, v);
        state = step;

        gradients.set_estimates({{0, 1 << 14}, {0, 8}});
        step.set_estimates({{0, 1 << 14}});
        const int lanes = natural_vector_size(element_type());
        step.update().split(i, block, lane, lanes, TailStrategy::RoundUp).vectorize(lane);
        gradient.compute_at(step, block).store_in(MemoryType::Register).vectorize(i, lanes);
        gradient.update().reorder(i, shard).vectorize(i, lanes);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Adam, adam)

// adam: one step of Adam as Keras takes it, in place, on any number of parameters:
//     m += (1 - β₁)(g - m),  v += (1 - β₂)(g² - v),  w -= decay · w + rate · m / (√v + ε),  rate = learning_rate · √(1 - β₂ᵗ) / (1 - β₁ᵗ)
// (Kingma & Ba 2015, the efficient form at the end of section 2; ε stands outside the bias correction), decay = learning_rate ·
// weight_decay (Loshchilov & Hutter 2019, algorithm 2).
#include "update.h"

namespace castnet {

class Adam : public Halide::Generator<Adam> {
public:
    Input<Buffer<Element, 2>> gradients{"gradients"};  // (parameter, row)
    Input<Element> rate{"rate"}, decay{"decay"}, beta_1{"beta_1"}, beta_2{"beta_2"}, epsilon{"epsilon"};
    Output<Func> state{"state", {element_type(), element_type(), element_type()}, 1};  // w, m, v

    void generate() {
        state = update(gradients, 3, natural_vector_size(element_type()), [&](const Expr &g, const State &now) {
            const Expr m = now[1] + (1.0F - beta_1) * (g - now[1]);
            const Expr v = now[2] + (1.0F - beta_2) * (g * g - now[2]);
            return State{now[0] - (decay * now[0] + rate * m / (sqrt(v) + epsilon)), m, v};
        });
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Adam, adam)

// momentum: one step of gradient descent with momentum as Keras takes it, in place, on any number of parameters:
//     v = μ v - rate · g,  w += v - decay · w,  or with Nesterov's momentum  w += μ v - rate · g - decay · w
// (Sutskever, Martens, Dahl & Hinton 2013, equations 1 to 4, written for the weights at which the gradient is taken), decay = learning_rate
// · weight_decay.
#include "update.h"

namespace castnet {

class Momentum : public Halide::Generator<Momentum> {
public:
    Input<Buffer<Element, 2>> gradients{"gradients"};  // (parameter, row)
    Input<Element> rate{"rate"}, decay{"decay"}, momentum{"momentum"};
    Input<bool> nesterov{"nesterov"};
    Output<Func> state{"state", {element_type(), element_type()}, 1};  // w, v

    void generate() {
        state = update(gradients, 2, natural_vector_size(element_type()), [&](const Expr &g, const State &now) {
            const Expr v = momentum * now[1] - rate * g;
            return State{now[0] + (select(nesterov, momentum * v - rate * g, v) - decay * now[0]), v};
        });
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Momentum, momentum)

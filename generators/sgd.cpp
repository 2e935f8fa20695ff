// sgd: one step of stochastic gradient descent as Keras takes it, in place, on any number of parameters: w -= decay · w + rate · g,
// decay = learning_rate · weight_decay.
#include "update.h"

namespace castnet {

class Sgd : public Halide::Generator<Sgd> {
public:
    Input<Buffer<Element, 2>> gradients{"gradients"};  // (parameter, row)
    Input<Element> rate{"rate"}, decay{"decay"};
    Output<Func> weights{"weights", element_type(), 1};

    void generate() {
        weights = update(gradients, 1, natural_vector_size(element_type()),
                         [&](const Expr &g, const State &now) { return State{now[0] - (decay * now[0] + rate * g)}; });
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Sgd, sgd)

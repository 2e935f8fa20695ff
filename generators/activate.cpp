// activate: a layer's output from its sums, where the layer keeps both. Run on any number of elements.
#include "activation.h"

namespace castnet {

class Activate : public Halide::Generator<Activate> {
public:
    GeneratorParam<std::string> activation{"activation", "linear"};  // as a network's text names it

    Input<Buffer<Element, 1>> sums{"sums"};
    Output<Buffer<Element, 1>> output{"output"};

    void generate() {
        const Var i("i"), block("block");
        Func out("out");
        out(i) = activate_element(activation_of(activation), sums(i));
        output = out;

        sums.set_estimates({{0, 1 << 14}});
        output.set_estimates({{0, 1 << 14}});
        // The output may lie on the sums: no element is computed twice.
        out.split(i, block, i, natural_vector_size(element_type()), TailStrategy::GuardWithIf).vectorize(i);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Activate, activate)

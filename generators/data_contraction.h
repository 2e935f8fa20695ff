// What correlate and spread share: they make one grid from another, and finish it in one of two ways.
#pragma once

#include "activation.h"
#include "contraction.h"

namespace castnet {

enum class Pass { forward, backward_data };

/// Adds the epilogue's operand to a contraction of data:
/// forward        out = activation(sum + bias), `bias`(c) the layer's;
/// backward_data  out = sum · activation'(z), activation the previous layer's, `output`(c, x, y, n) = activation(z) on the grid of `out`.
template <typename Derived>
class DataContraction : public Contraction<Derived> {
public:
    void configure() {
        if (pass == Pass::forward) {
            bias_ = this->template add_input<Halide::Buffer<float, 1>>("bias");
        } else {
            output_ = this->template add_input<Halide::Buffer<float, 4>>("output");
        }
    }

protected:
    /// What the sum of channel c begins with: the bias in the forward pass.
    Halide::Expr initial(const Halide::Expr &c) { return pass == Pass::forward ? (*bias_)(c) : Halide::Expr(0.0F); }

    /// The epilogue on `sum`(c, x, y, n), which began with initial(c), and whose grid has `shape`.
    Epilogue finish(const Halide::Func &sum, const std::vector<int> &shape) {
        const int channels = shape[0];
        if (pass == Pass::backward_data) {
            fix_shape(*output_, shape);
            return activation_gradient(activation, sum, *output_, channels);
        }
        fix_shape(*bias_, {channels});
        return activate(activation, sum, channels);
    }

    /// Whether the epilogue needs all channels of a pixel at once.
    bool needs_whole_pixels() const { return activation == Activation::softmax; }

    Halide::GeneratorParam<Pass> pass{"pass", Pass::forward, {{"forward", Pass::forward}, {"backward_data", Pass::backward_data}}};
    Halide::GeneratorParam<Activation> activation{"activation", Activation::linear, activation_names()};

private:
    Halide::GeneratorInput<Halide::Buffer<float, 1>> *bias_ = nullptr;
    Halide::GeneratorInput<Halide::Buffer<float, 4>> *output_ = nullptr;
};

}  // namespace castnet

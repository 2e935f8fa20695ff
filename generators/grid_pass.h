// What pipelines share that make a grid for a layer: which pass they are, and how they finish its sums.
#pragma once

#include "activation.h"
#include "contraction.h"

namespace castnet {

/// What a pipeline that makes a grid is to its layer.
enum class Pass { forward, backward_data };

/// `Base` is the pipeline's geometry. The finished grid is `epilogue`; in backward_data it is sum · activation'(z), activation the previous
/// layer's, `output`(c, x, y, n) what that layer keeps, on the same grid.
template <typename Base>
class GridPass : public Base {
protected:
    const Halide::Var c{"c"}, x{"x"}, y{"y"}, n{"n"};
    Epilogue epilogue;

    Halide::GeneratorParam<Pass> pass{"pass", Pass::forward, {{"forward", Pass::forward}, {"backward_data", Pass::backward_data}}};
    Halide::GeneratorParam<std::string> activation{"activation", "linear"};  // as a network's text names it

    /// Adds `output` to the inputs in backward_data.
    void add_output_kept() {
        if (pass == Pass::backward_data) output_ = this->template add_input<Halide::Buffer<Element, 4>>("output");
    }

    /// Finishes backward_data's `sums` on a grid of `shape`.
    void define_gradient_epilogue(const Halide::Func &sums, const std::vector<int> &shape) {
        fix_shape(*output_, shape);
        epilogue = activation_gradient(activation_of(activation), sums, *output_, shape[0]);
    }

private:
    Halide::GeneratorInput<Halide::Buffer<Element, 4>> *output_ = nullptr;
};

}  // namespace castnet

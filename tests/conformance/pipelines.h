// A problem's pipelines, through Halide's JIT.
#pragma once

#include <map>
#include <stdexcept>
#include <string>

#include "tests/conformance/guarded.h"
#include "tests/conformance/problem.h"

namespace castnet::test {

/// A schedule that the shape or the target cannot have, which a tuned one for another machine may be.
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What backward_weights makes. The kernel's gradient is read back, and so lies on a vector's boundary.
struct Gradients {
    Guarded kernel, bias;
};

/// Each pipeline is compiled when first called. Everything throws Refused, or std::runtime_error for any other error of Halide's and for
/// a write beside an output.
class Pipelines {
public:
    explicit Pipelines(Problem problem) : problem_(std::move(problem)) {}

    /// activation(A·input + bias)
    Guarded forward(Guarded &input, Guarded &kernel, Guarded &bias);
    /// (Aᵀ·output_gradient) · activation'(z), given `previous` = activation(z)
    Guarded backward_data(Guarded &output_gradient, Guarded &kernel, Guarded &previous);
    /// The gradients of kernel and bias; that of the kernel with decay · kernel where the problem decays.
    Gradients backward_weights(Guarded &input, Guarded &output_gradient, Guarded &kernel);

    int compiled() const { return int(compiled_.size()); }
    static constexpr float decay = 3;

private:
    using Parameters = std::map<std::string, std::string>;

    bool is_transpose() const { return problem_.layer.statement.kind == LayerKind::conv2d_transpose; }
    /// The kernel with the large grid's channels innermost, as a spread reads it.
    Guarded transposed(Guarded &kernel);
    const Halide::Callable &pipeline(const std::string &generator, const Parameters &own);
    Parameters schedule(const std::string &generator, const Parameters &params) const;

    Problem problem_;
    std::map<std::string, Halide::Callable> compiled_;  // by generator and parameters
};

}  // namespace castnet::test

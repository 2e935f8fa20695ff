// A problem's pipelines, compiled by Halide's JIT.
#pragma once

#include <map>
#include <stdexcept>
#include <string>

#include "tests/conformance/guarded.h"
#include "tests/conformance/problem.h"

namespace castnet::test {

/// Thrown if a schedule does not fit the shape or the target, as one tuned for another machine may not.
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The results of backward_weights. The kernel's gradient is read back, so it is aligned to vectors.
struct Gradients {
    Guarded kernel, bias;
};

/// Compiles each pipeline when it is first called. All functions throw Refused, or std::runtime_error for any other error of Halide's and
/// for a write outside an output.
class Pipelines {
public:
    explicit Pipelines(Problem problem) : problem_(std::move(problem)) {}

    /// Returns activation(A·input + bias).
    Guarded forward(Guarded &input, Guarded &kernel, Guarded &bias);
    /// Returns (Aᵀ·output_gradient) · activation'(z), given `previous` = activation(z).
    Guarded backward_data(Guarded &output_gradient, Guarded &kernel, Guarded &previous);
    /// Returns the gradients of kernel and bias. Adds decay · kernel to the former if the problem decays.
    Gradients backward_weights(Guarded &input, Guarded &output_gradient, Guarded &kernel);

    int compiled() const { return int(compiled_.size()); }
    /// Returns whether one of the pipelines that were called computes Winograd's products.
    bool by_winograd() const { return by_winograd_; }
    /// Returns whether a problem's pipelines may do so.
    static bool can_be_winograd(const Problem &problem);
    static constexpr float decay = 3;

private:
    using Parameters = std::map<std::string, std::string>;

    Geometry map() const { return problem_.layer.description().geometry(); }
    bool makes_large() const { return map().makes_large; }
    bool stretches() const { return problem_.layer.description().takes_in_upsample(); }
    /// Returns the kernel as a pass reads it: the map's, and with the large grid's channels innermost if it spreads.
    Guarded prepared(Guarded &kernel, bool spreads);
    const Halide::Callable &pipeline(const std::string &generator, const Parameters &own);
    Parameters schedule(const std::string &generator, const Parameters &params) const;

    Problem problem_;
    std::map<std::string, Halide::Callable> compiled_;  // by generator and parameters
    bool by_winograd_ = false;
};

}  // namespace castnet::test

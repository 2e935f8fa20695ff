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
            bias_ = this->template add_input<Halide::Buffer<Element, 1>>("bias");
        } else {
            output_ = this->template add_input<Halide::Buffer<Element, 4>>("output");
        }
    }

protected:
    static constexpr int narrow = 8;  // channels below which half of an AVX2 vector or more would idle

    /// The kernel (narrow, wide, kx, ky) with the wide grid's channels along the lanes, (lane, narrow, kx, ky), zero beyond the last
    /// channel: for a reduction that the lanes share. Made once a call.
    template <typename Kernel>
    Halide::Func kernel_by_lane(const Kernel &kernel, int wide_channels, int narrow_channels, int lanes) {
        const Halide::Var lane("lane"), c("c"), kx("kx"), ky("ky");
        Halide::Func by_lane("kernel_by_lane");
        by_lane(lane, c, kx, ky) = select(lane < wide_channels, kernel(c, min(lane, wide_channels - 1), kx, ky), element(0));
        const int steps = (wide_channels + lanes - 1) / lanes;
        keep_on_stack(by_lane, int64_t{narrow_channels} * steps * lanes * this->kernel_width * this->kernel_height);
        by_lane.compute_root().vectorize(lane, lanes).reorder(c, lane, kx, ky).unroll(c);
        return by_lane;
    }

    /// What the sum of channel c begins with: the bias in the forward pass.
    Halide::Expr initial(const Halide::Expr &c) { return pass == Pass::forward ? (*bias_)(c) : element(0); }

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
    Halide::GeneratorInput<Halide::Buffer<Element, 1>> *bias_ = nullptr;
    Halide::GeneratorInput<Halide::Buffer<Element, 4>> *output_ = nullptr;
};

}  // namespace castnet

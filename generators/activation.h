// Activation functions y = activation(z) and their derivatives, as the epilogues of the contractions. A derivative is taken from what the
// layer keeps: its output y, so that it keeps one grid only, or its sums z where y does not tell them (needs_sums()). At a kink it is the
// derivative from below, as in Keras: relu'(0) = 0.
#pragma once

#include "Halide.h"
#include "element.h"
#include "language/function.h"
#include "schedule.h"

namespace castnet {

/// The activation that a GeneratorParam names.
inline Function activation_of(const std::string &text) {
    const std::optional<Function> activation = parse_function(text, known_activations);
    if (!activation) refuse("activation=" + text + " has no meaning");
    return *activation;
}

/// tanh: 1 - 2/(e²ᶻ+1), which cancels near zero. There the Taylor series to z⁷ is exact to the element: its next term is 62/2835 z⁹.
inline Halide::Expr hyperbolic_tangent(const Halide::Expr &z) {
    constexpr double near_zero = sizeof(Element) == sizeof(float) ? 0.2 : 0.01;
    const Halide::Expr s = z * z;
    const Halide::Expr series = z * (1.0F + s * (element(-1.0 / 3) + s * (element(2.0 / 15) + s * element(-17.0 / 315))));
    return select(abs(z) < element(near_zero), series, 1.0F - 2.0F / (exp(2.0F * clamp(z, -20.0F, 20.0F)) + 1.0F));
}

/// sigmoid. Exponents stay where float can hold their powers, here and below.
inline Halide::Expr logistic(const Halide::Expr &z) {
    return 1.0F / (1.0F + exp(-clamp(z, -80.0F, 80.0F)));
}

inline Halide::Expr softplus(const Halide::Expr &z) {
    return max(z, 0.0F) + log(1.0F + exp(-min(abs(z), 80.0F)));
}

/// Φ(z), the normal distribution's share below z. Halide has erf for floats only; C's is for the tests.
inline Halide::Expr normal_share(const Halide::Expr &z) {
    const Halide::Expr x = z * element(0.70710678118654752440);
    const bool is_float = element_type() == Halide::Float(32);
    const Halide::Expr erf =
        is_float ? Halide::erf(x) : Halide::Internal::Call::make(element_type(), "erf", {x}, Halide::Internal::Call::PureExtern);
    return 0.5F * (1.0F + erf);
}

/// activation(z) of an element; softmax, which is not elementwise, goes through activate().
inline Halide::Expr activate_element(const Function &activation, const Halide::Expr &z) {
    using Halide::exp;
    if (activation.name == "relu") return max(z, 0.0F);
    if (activation.name == "leaky_relu") return select(z > 0.0F, z, element(activation.parameter) * z);
    if (activation.name == "elu") return select(z > 0.0F, z, element(activation.parameter) * (exp(clamp(z, -80.0F, 0.0F)) - 1.0F));
    if (activation.name == "gelu") return z * normal_share(z);
    if (activation.name == "silu") return z * logistic(z);
    if (activation.name == "softplus") return softplus(z);
    if (activation.name == "sigmoid") return logistic(z);
    return activation.name == "tanh" ? hyperbolic_tangent(z) : z;
}

/// dL/dz of an element from g = dL/dy and what the layer keeps: y, or z of gelu and silu; softmax goes through activation_gradient().
inline Halide::Expr element_gradient(const Function &activation, const Halide::Expr &g, const Halide::Expr &kept) {
    using Halide::exp;
    const Halide::Expr &y = kept, &z = kept;
    if (activation.name == "gelu") return g * (normal_share(z) + z * element(0.39894228040143267794) * exp(-0.5F * min(z * z, 160.0F)));
    if (activation.name == "silu") return g * (logistic(z) * (1.0F + z * (1.0F - logistic(z))));
    if (activation.name == "relu") return select(y > 0.0F, g, element(0));
    if (activation.name == "leaky_relu") return select(y > 0.0F, g, element(activation.parameter) * g);
    if (activation.name == "elu") return select(y > 0.0F, g, g * (y + element(activation.parameter)));
    if (activation.name == "softplus") return g * (1.0F - exp(-min(y, 80.0F)));
    if (activation.name == "sigmoid") return g * (y * (1.0F - y));
    return activation.name == "tanh" ? g * (1.0F - y * y) : g;
}

/// `out`(c, x, y, n) is the result; `reductions`(x, y, n) are the sums over channels that softmax needs, one value a pixel.
struct Epilogue {
    Halide::Func out;
    std::vector<Halide::Func> reductions;
};

/// out = activation(z), z given for all channels of a pixel.
inline Epilogue activate(const Function &activation, const Halide::Func &z, int channels) {
    const Halide::Var c("c"), x("x"), y("y"), n("n");
    Epilogue epilogue{Halide::Func("epilogue"), {}};
    if (activation.name != "softmax") {
        epilogue.out(c, x, y, n) = activate_element(activation, z(c, x, y, n));
        return epilogue;
    }
    const Halide::RDom r(0, channels);
    Halide::Func largest("largest"), total("total");
    largest(x, y, n) = element_type().min();
    largest(x, y, n) = max(largest(x, y, n), z(r, x, y, n));
    total(x, y, n) = element(0);
    total(x, y, n) += exp(z(r, x, y, n) - largest(x, y, n));
    epilogue.out(c, x, y, n) = exp(z(c, x, y, n) - largest(x, y, n)) / total(x, y, n);
    epilogue.reductions = {largest, total};
    return epilogue;
}

/// dL/dz from dL/dy = `gradient` and what the layer keeps, `output`; softmax: y·(g - Σ g·y).
template <typename Output>
Epilogue activation_gradient(const Function &activation, const Halide::Func &gradient, const Output &output, int channels) {
    const Halide::Var c("c"), x("x"), y("y"), n("n");
    Epilogue epilogue{Halide::Func("epilogue"), {}};
    if (activation.name != "softmax") {
        epilogue.out(c, x, y, n) = element_gradient(activation, gradient(c, x, y, n), output(c, x, y, n));
        return epilogue;
    }
    const Halide::RDom r(0, channels);
    Halide::Func projection("projection");
    projection(x, y, n) = element(0);
    projection(x, y, n) += gradient(r, x, y, n) * output(r, x, y, n);
    epilogue.out(c, x, y, n) = output(c, x, y, n) * (gradient(c, x, y, n) - projection(x, y, n));
    epilogue.reductions = {projection};
    return epilogue;
}

}  // namespace castnet

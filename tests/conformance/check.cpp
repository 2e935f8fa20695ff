#include "tests/conformance/check.h"

#include <random>

#include "tests/conformance/pipelines.h"
#include "tests/conformance/sums.h"

namespace castnet::test {
namespace {

/// Piecewise linear activations keep integers exact.
bool keeps_integers(const std::string &activation) {
    return activation == "linear" || activation == "relu";
}

/// Generates a problem's input: the same numbers in every run.
class Numbers {
public:
    Numbers(const Problem &problem, bool integers) : integers_(integers) {
        // The longest sums of any pass run over the taps and channels of one side, over all positions of the small grid, or over the
        // whole output. Each number that an upsample repeats meets the taps as often.
        const LayerDescription layer = problem.layer.description();
        const Shape small = layer.own_geometry().small;
        const double images = problem.images;
        const double pixels = images * small.height * small.width;
        const double taps = double(layer.kernel_height) * layer.kernel_width * layer.upsampled_y * layer.upsampled_x *
                            std::max(layer.input.channels, layer.output.channels);
        const double biased = images * layer.output.height * layer.output.width;
        // As in oneDNN's benchdnn: |integer| ≤ 32, and n·max|a|·max|b| ≤ 2²⁴, so that every partial sum is exact in float in any order.
        // Bias and decay add two terms. Winograd's transforms make numbers of them up to 64 times as large, in quarters (winograd.h).
        const double growth = Pipelines::can_be_winograd(problem) ? 64 : 1;
        range_ = int(std::min({32.0, std::sqrt(0x1p24 / (growth * (std::max(pixels, taps) + 2))), 0x1p24 / biased}));
        kernel_scale_ = float(1 / std::sqrt(taps));
    }
    bool integers() const { return integers_; }

    void fill(Guarded &g) { fill(g, 1); }
    /// Scales floats so that the layer's sums stay near 1, where activations bend.
    void fill_kernel(Guarded &g) { fill(g, kernel_scale_); }
    /// Fills `g` with what the previous layer may keep: its activation's output, or its sums.
    void fill_activated(Guarded &g, const std::string &activation, int channels) {
        std::vector<double> y(g.size());
        for (double &value : y) value = integers_ && keeps_integers(activation) ? integer() : normal_(random_);
        if (!needs_sums(activation)) activate(activation, y, channels);
        std::copy(y.begin(), y.end(), g.data());
    }

private:
    void fill(Guarded &g, float scale) {
        for (std::size_t i = 0; i < g.size(); i++) g.data()[i] = integers_ ? integer() : scale * normal_(random_);
    }
    /// Never returns zero, so that few sums are zero.
    float integer() {
        const int value = 1 + int(random_() % unsigned(range_));
        return float(random_() % 2 == 0 ? value : -value);
    }

    bool integers_;
    int range_;
    float kernel_scale_;
    std::mt19937 random_{7};
    std::normal_distribution<float> normal_;
};

/// One layer's operands, filled.
struct Operands {
    Guarded input, output_gradient, kernel, bias;
    Operands(const Problem &problem, Numbers &numbers)
        : input(problem.layer.description().geometry().input(), problem.images),
          output_gradient(problem.layer.output, problem.images),
          kernel(kernel_extents(problem.layer.description().own_geometry())),
          bias({problem.layer.output.channels}) {
        numbers.fill(input);
        numbers.fill(output_gradient);
        numbers.fill_kernel(kernel);
        numbers.fill(bias);
    }
};

/// Returns the index of the number that is at `i` of the layer's input, once an upsample that it takes in has repeated it.
std::size_t repeated(const LayerDescription &layer, std::size_t i) {
    const auto channels = std::size_t(layer.input.channels), width = std::size_t(layer.input.width);
    const std::size_t channel = i % channels, x = i / channels % width, y = i / channels / width;
    const auto factor_x = std::size_t(layer.upsampled_x), factor_y = std::size_t(layer.upsampled_y);
    return (y / factor_y * (width / factor_x) + x / factor_x) * channels + channel;
}

/// Calls visit(index in the input, index in the output, index in the kernel) for every product of all images.
template <typename Visit>
void for_each_product(const Problem &problem, const Visit &visit) {
    const LayerDescription layer = problem.layer.description();
    const std::size_t in = layer.geometry().input().size(), out = layer.output.size();
    const bool is_transposed = layer.is_transposed();
    for (std::size_t n = 0; n < std::size_t(problem.images); n++) {
        castnet::test::for_each_product(layer, [&](std::size_t l, std::size_t s, std::size_t k) {
            visit(n * in + repeated(layer, is_transposed ? s : l), n * out + (is_transposed ? l : s), k);
        });
    }
}

class Comparison {
public:
    /// Demands exact sums if `integers`.
    explicit Comparison(bool integers) : integers_(integers) {}
    /// Bounds what Winograd's products may lose too, if `by_winograd`: 16 is what their transforms' norms multiply to. A sum then meets its
    /// neighbours' numbers, so that the largest one's bound counts.
    Comparison(bool integers, bool by_winograd) : integers_(integers), by_winograd_(by_winograd) {}

    double largest_bound(const Sums &sums) const {
        double largest = 0;
        for (std::size_t i = 0; !integers_ && i < sums.value.size(); i++) largest = std::max(largest, sums.bound(i));
        return by_winograd_ ? 16 * largest : largest;
    }

    /// Compares the results with `want`, computed from `sums`. `slack` widens the bound for rounding outside of the sums.
    void compare(const char *what, const Guarded &got, const std::vector<double> &want, const Sums &sums, double slack = 0) {
        const double largest = largest_bound(sums);
        for (std::size_t i = 0; i < want.size(); i++) {
            const double bound = integers_ || by_winograd_ ? largest : sums.bound(i);
            const double error = std::abs(double(got.data()[i]) - want[i]), allowed = bound + slack;
            if (allowed > 0) findings.worst = std::max(findings.worst, error / allowed);
            if (!(error <= allowed)) add_mismatch(what, i, got.data()[i], want[i]);  // NaN is a mismatch
        }
        findings.compared += want.size();
    }

    void add_mismatch(const std::string &what, std::size_t i, double got, double want) {
        if (findings.mismatches++ > 0) return;
        findings.first_mismatch = what + "[" + std::to_string(i) + "] is " + std::to_string(got) + ", not " + std::to_string(want) +
                                  (integers_ ? ", on integers" : ", on floats");
    }

    /// Counts the sums of integers that are not zero.
    void count_zeros(const Sums &sums) {
        for (std::size_t i = 0; integers_ && i < sums.value.size(); i++) {
            if (sums.terms[i] > 0) findings.sums++;
            if (sums.value[i] != 0) findings.nonzero++;
        }
    }

    Findings findings;

private:
    bool integers_, by_winograd_ = false;
};

/// Bounds the rounding of the activation itself, which makes `y`. Softmax sums over all channels of a pixel, so their worst sum's bound
/// counts.
double activation_slack(const Problem &problem, const std::vector<double> &y, double largest_bound) {
    if (keeps_integers(problem.layer.statement.activation)) return 0;
    const auto [least, most] = std::ranges::minmax(y);
    const double steepest = needs_sums(problem.layer.statement.activation) ? 0.2 * largest_bound : 0;  // gelu and silu rise by up to 1.13
    if (problem.layer.statement.activation != "softmax") return 8 * unit_roundoff * std::max({1.0, -least, most}) + steepest;
    return (8 + problem.layer.output.channels) * unit_roundoff + 2 * largest_bound;
}

/// Bounds the rounding of the derivative's own products, and of softmax's sum over all channels.
double derivative_slack(const Problem &problem, const Sums &g, double largest_bound) {
    if (keeps_integers(problem.layer.statement.activation)) return 0;
    const double largest = *std::ranges::max_element(g.magnitude);
    if (needs_sums(problem.layer.statement.activation)) return 16 * unit_roundoff * largest + 0.2 * largest_bound;
    if (problem.layer.statement.activation != "softmax") return 4 * unit_roundoff * largest;
    return (8 + problem.layer.input.channels) * unit_roundoff * largest + 2 * largest_bound;
}

Findings check_forward(const Problem &problem, Pipelines &pipelines, Numbers &numbers) {
    Operands o(problem, numbers);
    const Guarded output = pipelines.forward(o.input, o.kernel, o.bias);
    const auto filters = std::size_t(problem.layer.output.channels);
    Sums z(output.size());
    for (std::size_t i = 0; i < output.size(); i++) z.add(i, o.bias.data()[i % filters]);
    for_each_product(problem,
                     [&](std::size_t in, std::size_t out, std::size_t k) { z.add(out, double(o.input.data()[in]) * o.kernel.data()[k]); });
    std::vector<double> y = z.value;
    activate(problem.layer.statement.activation, y, problem.layer.output.channels);
    Comparison comparison(numbers.integers(), pipelines.by_winograd());
    comparison.compare("output", output, y, z, activation_slack(problem, y, comparison.largest_bound(z)));
    comparison.count_zeros(z);
    return comparison.findings;
}

Findings check_backward_data(const Problem &problem, Pipelines &pipelines, Numbers &numbers) {
    Operands o(problem, numbers);
    const int channels = problem.layer.input.channels;
    Guarded previous(problem.layer.description().geometry().input(), problem.images);
    numbers.fill_activated(previous, problem.layer.statement.activation, channels);
    const Guarded gradient = pipelines.backward_data(o.output_gradient, o.kernel, previous);
    Sums g(gradient.size());
    for_each_product(problem, [&](std::size_t in, std::size_t out, std::size_t k) {
        g.add(in, double(o.output_gradient.data()[out]) * o.kernel.data()[k]);
    });
    std::vector<double> dz = g.value;
    activation_gradient(problem.layer.statement.activation, dz, previous.values(), channels);
    Comparison comparison(numbers.integers(), pipelines.by_winograd());
    comparison.compare("input gradient", gradient, dz, g, derivative_slack(problem, g, comparison.largest_bound(g)));
    comparison.count_zeros(g);
    return comparison.findings;
}

Findings check_backward_weights(const Problem &problem, Pipelines &pipelines, Numbers &numbers) {
    Operands o(problem, numbers);
    const Gradients gradients = pipelines.backward_weights(o.input, o.output_gradient, o.kernel);
    Sums dk(gradients.kernel.size()), db(gradients.bias.size());
    for (std::size_t k = 0; problem.decays && k < o.kernel.size(); k++) dk.add(k, double(Pipelines::decay) * o.kernel.data()[k]);
    for_each_product(problem, [&](std::size_t in, std::size_t out, std::size_t k) {
        dk.add(k, double(o.input.data()[in]) * o.output_gradient.data()[out]);
    });
    for (std::size_t i = 0; i < o.output_gradient.size(); i++) db.add(i % db.value.size(), o.output_gradient.data()[i]);
    Comparison comparison(numbers.integers(), pipelines.by_winograd());
    comparison.compare("kernel gradient", gradients.kernel, dk.value, dk);
    comparison.compare("bias gradient", gradients.bias, db.value, db);
    comparison.count_zeros(dk);
    return comparison.findings;
}

/// Returns ⟨a, b⟩ of integers, exactly: fewer than 2²⁴ products of at most 2²⁴ and 2⁵ stay below 2⁵³.
double dot(const Guarded &a, const Guarded &b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); i++) sum += double(a.data()[i]) * b.data()[i];
    return sum;
}

/// Checks that ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ = ⟨w, ∂w⟩ holds exactly for the pipelines' results, for a linear layer without bias.
Findings check_adjoint(const Problem &problem, Pipelines &pipelines, Numbers &numbers) {
    Operands o(problem, numbers);
    std::fill_n(o.bias.data(), o.bias.size(), 0.0F);
    const Guarded output = pipelines.forward(o.input, o.kernel, o.bias);
    const Guarded input_gradient = pipelines.backward_data(o.output_gradient, o.kernel, o.input);
    const Gradients gradients = pipelines.backward_weights(o.input, o.output_gradient, o.kernel);
    const double forward = dot(output, o.output_gradient), backward = dot(o.input, input_gradient),
                 weights = dot(o.kernel, gradients.kernel);
    Comparison comparison(true);
    if (forward != backward) comparison.add_mismatch("<x, A'y>", 0, backward, forward);
    if (forward != weights) comparison.add_mismatch("<w, dw>", 0, weights, forward);
    comparison.findings.compared = output.size() + input_gradient.size() + gradients.kernel.size();
    return comparison.findings;
}

Findings check_on(const Problem &problem, Pipelines &pipelines, bool integers) {
    Numbers numbers(problem, integers);
    switch (problem.pass) {
    case Pass::forward:
        return check_forward(problem, pipelines, numbers);
    case Pass::backward_data:
        return check_backward_data(problem, pipelines, numbers);
    case Pass::backward_weights:
        return check_backward_weights(problem, pipelines, numbers);
    case Pass::adjoint:
        return check_adjoint(problem, pipelines, numbers);
    }
    throw std::logic_error("there is no such pass");
}

}  // namespace

Findings &Findings::operator+=(const Findings &other) {
    if (mismatches == 0) first_mismatch = other.first_mismatch;
    compared += other.compared;
    mismatches += other.mismatches;
    sums += other.sums;
    nonzero += other.nonzero;
    worst = std::max(worst, other.worst);
    pipelines += other.pipelines;
    return *this;
}

Findings check(const Problem &problem) {
    Pipelines pipelines(problem);
    Findings findings = check_on(problem, pipelines, true);
    if (problem.pass != Pass::adjoint) findings += check_on(problem, pipelines, false);
    findings.pipelines = std::size_t(pipelines.compiled());
    return findings;
}

}  // namespace castnet::test

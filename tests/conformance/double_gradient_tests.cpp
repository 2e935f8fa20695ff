// Compiles the generators in double and checks that the gradients of whole networks agree with central differences to 1e-7. Floats are
// too coarse for that.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "Halide.h"
#include "generators/element.h"
#include "generators/language/pipelines.h"
#include "tests/conformance/layer.h"

namespace castnet::test {
namespace {

static_assert(std::is_same_v<Element, double>);

REGISTER_EXCEPTION_TRANSLATOR(Halide::Error &error) {
    return error.what();
}

using Grid = Halide::Buffer<double>;
using Params = Halide::GeneratorParamsMap;

Halide::Callable compile(const std::string &generator, const Params &params) {
    static const Halide::GeneratorContext context(Halide::get_jit_target_from_environment());
    return create_callable_from_generator(context, generator, params);
}

Params with(Params params, const Params &more) {
    params.insert(more.begin(), more.end());
    return params;
}

Grid grid(const Shape &shape, int images) {
    return Grid(shape.channels, shape.width, shape.height, images);
}

Grid in_a_row(Grid &values) {
    return Grid(values.data(), int(values.number_of_elements()));
}

/// One layer: its weights, their gradients, its output, and its pipelines, chained as runtime/network.cpp chains them.
struct DoubleLayer {
    Layer layer;
    Grid kernel, transposed, bias, kernel_gradient, bias_gradient, output;
    Grid kept;  ///< the sums if the layer keeps them, otherwise the output
    Halide::Callable forward, activate, backward_weights, backward_data, transpose;

    DoubleLayer(Layer layer_, const std::string &previous_activation, const std::string &loss, int images) : layer(std::move(layer_)) {
        layer.keeps_sums = needs_sums(layer.statement.activation, loss);
        const LayerDescription l = layer.description();
        const Geometry map = l.geometry();
        kernel = Grid(map.small.channels, map.large.channels, map.kernel_width, map.kernel_height);
        transposed = Grid(map.large.channels, map.small.channels, map.kernel_width, map.kernel_height);
        kernel_gradient = Grid(map.small.channels, map.large.channels, map.kernel_width, map.kernel_height);
        bias = Grid(l.output.channels), bias_gradient = Grid(l.output.channels), output = grid(l.output, images);
        kept = layer.keeps_sums ? grid(l.output, images) : output;
        const Params shape = parameters_of(map);
        const std::string first = is_transpose() ? "spread" : "correlate", second = is_transpose() ? "correlate" : "spread";
        const std::string &activation = layer.statement.activation;
        forward = compile(first, with(shape, {{"pass", "forward"}, {"activation", layer.keeps_sums ? "linear" : activation}}));
        if (layer.keeps_sums) activate = compile("activate", {{"activation", activation}});
        backward_data = compile(second, with(shape, {{"pass", "backward_data"}, {"activation", previous_activation}}));
        backward_weights =
            compile("kernel_gradient", with(shape, {{"output_grid", is_transpose() ? "large" : "small"}, {"decays", "true"}}));
        transpose = compile("transpose_kernel", shape);
    }

    bool is_transpose() const { return layer.statement.kind == LayerKind::conv2d_transpose; }
    double l2() const { return layer.statement.l2; }

    void run_forward(Grid &input) {
        REQUIRE(transpose(kernel, transposed) == 0);
        REQUIRE(forward(input, is_transpose() ? transposed : kernel, bias, kept) == 0);
        if (!layer.keeps_sums) return;
        Grid sums = in_a_row(kept), outputs = in_a_row(output);
        REQUIRE(activate(sums, outputs) == 0);
    }
    void run_backward(Grid &input, Grid *input_kept, Grid &gradient, Grid *input_gradient) {
        REQUIRE(backward_weights(is_transpose() ? gradient : input, is_transpose() ? input : gradient, kernel, 2 * l2(), kernel_gradient,
                                 bias_gradient) == 0);
        if (input_gradient == nullptr) return;
        REQUIRE(backward_data(gradient, is_transpose() ? kernel : transposed, *input_kept, *input_gradient) == 0);
    }
};

class DoubleNetwork {
public:
    DoubleNetwork(Shape shape, const std::vector<std::string> &texts, const std::string &loss, int images, std::mt19937 &random)
        : images_(images), input_(grid(shape, images)) {
        std::string activation = "linear";
        for (const std::string &text : texts) {
            const Layer layer = read_layer(text, shape);
            const bool is_last = &text == &texts.back();
            layers_.emplace_back(layer, activation, is_last ? loss : "", images);
            shape = layer.output, activation = layer.statement.activation;
        }
        elements_ = int(shape.size()) * images;
        targets_ = grid({1, shape.height * shape.width, shape.channels}, images);
        loss_ = compile("loss", {{"pixels", std::to_string(shape.height * shape.width)},
                                 {"channels", std::to_string(shape.channels)},
                                 {"activation", activation},
                                 {"loss", loss}});
        std::normal_distribution<double> normal;
        std::uniform_real_distribution<double> uniform;
        input_.for_each_value([&](double &value) { value = uniform(random); });
        targets_.for_each_value([&](double &value) { value = uniform(random); });
        for (DoubleLayer &layer : layers_) {
            const double scale = 1 / std::sqrt(double(layer.kernel.number_of_elements()) / layer.layer.output.channels);
            layer.kernel.for_each_value([&](double &value) { value = scale * normal(random); });
            layer.bias.for_each_value([&](double &value) { value = 0.1 * normal(random); });
        }
    }

    std::vector<DoubleLayer> &layers() { return layers_; }

    /// Returns the loss. Leaves the gradient of the last layer's sums in gradient_.
    double loss() {
        Grid *input = &input_;
        for (DoubleLayer &layer : layers_) {
            layer.run_forward(*input);
            input = &layer.output;
        }
        Grid flat = flattened(layers_.back().kept), error(images_);
        gradient_ = grid(layers_.back().layer.output, images_);
        Grid flat_gradient = flattened(gradient_);
        REQUIRE(loss_(flat, targets_, 1.0 / elements_, flat_gradient, error) == 0);
        double loss = std::accumulate(error.data(), error.data() + images_, 0.0) / elements_;
        for (DoubleLayer &layer : layers_) layer.kernel.for_each_value([&](double weight) { loss += layer.l2() * weight * weight; });
        return loss;
    }

    void backward() {
        loss();
        for (std::size_t l = layers_.size(); l-- > 0;) {
            Grid &input = l == 0 ? input_ : layers_[l - 1].output;
            Grid *kept = l == 0 ? nullptr : &layers_[l - 1].kept;
            Grid input_gradient = grid(layers_[l].layer.input, images_);
            layers_[l].run_backward(input, kept, gradient_, l == 0 ? nullptr : &input_gradient);
            gradient_ = input_gradient;
        }
    }

private:
    /// Views the elements with all pixels in one row.
    Grid flattened(Grid &values) const {
        return Grid(values.data(), {values.dim(0).extent(), values.dim(1).extent() * values.dim(2).extent(), 1, images_});
    }

    int images_, elements_ = 0;
    Grid input_, targets_, gradient_;
    std::vector<DoubleLayer> layers_;
    Halide::Callable loss_;
};

constexpr double difference_step = 1e-5;

/// The slope along one weight. `kinked` if two step sizes disagree, as near the kink of a relu.
struct Slope {
    double value = 0;
    bool kinked = false;
};

Slope central_difference(DoubleNetwork &network, double &weight, double tolerance) {
    const double before = weight;
    const auto slope = [&](double step) {
        weight = before + step;
        const double above = network.loss();
        weight = before - step;
        const double below = network.loss();
        weight = before;
        return (above - below) / (2 * step);
    };
    const double wide = slope(2 * difference_step), narrow = slope(difference_step);
    return {.value = narrow, .kinked = std::abs(wide - narrow) > tolerance};
}

/// Checks the gradients of `count` random weights of a tensor.
void check_tensor(DoubleNetwork &network, Grid &weights, const Grid &gradients, int count, std::mt19937 &random) {
    double largest = 0;
    gradients.for_each_value([&](double value) { largest = std::max(largest, std::abs(value)); });
    const double rounding = 0x1p-52 * network.loss() / difference_step;  // of a difference of two losses
    const double allowed = 1e-7 * largest + rounding;
    int kinked = 0;
    for (int i = 0; i < count; i++) {
        const std::size_t place = random() % weights.number_of_elements();
        const Slope slope = central_difference(network, weights.data()[place], allowed);
        kinked += slope.kinked ? 1 : 0;
        CAPTURE(place);
        if (!slope.kinked) CHECK(std::abs(slope.value - gradients.data()[place]) <= allowed);
    }
    CHECK(largest > 0);
    CHECK(kinked <= count / 4);
}

void check_network(const Shape &input, const std::vector<std::string> &texts, int count, const std::string &loss = "mean_squared_error") {
    std::mt19937 random(5);
    DoubleNetwork network(input, texts, loss, 3, random);
    network.backward();
    std::vector<std::pair<Grid, Grid>> gradients;
    for (DoubleLayer &layer : network.layers()) gradients.emplace_back(layer.kernel_gradient.copy(), layer.bias_gradient.copy());
    for (std::size_t l = 0; l < gradients.size(); l++) {
        CAPTURE(texts[l]);
        check_tensor(network, network.layers()[l].kernel, gradients[l].first, count, random);
        check_tensor(network, network.layers()[l].bias, gradients[l].second, count, random);
    }
}

TEST_CASE("gradients in double: the default network agrees with central differences to 1e-7") {
    check_network({28, 28, 1},
                  {"conv2d filters=32 kernel=3 stride=2 padding=same activation=relu",
                   "conv2d filters=64 kernel=3 stride=2 padding=same activation=relu", "conv2d filters=2 kernel=7",
                   "conv2d_transpose filters=64 kernel=7 activation=relu",
                   "conv2d_transpose filters=32 kernel=3 stride=2 padding=same activation=relu",
                   "conv2d_transpose filters=1 kernel=7 stride=2 padding=same"},
                  12);
}

TEST_CASE("gradients in double: every activation, L2, odd shapes, strides larger than kernels") {
    check_network(
        {9, 11, 2},
        {"conv2d filters=5 kernel=3x2 stride=2x3 padding=same activation=tanh l2=0.01", "conv2d filters=4 kernel=2 activation=sigmoid",
         "conv2d filters=3 kernel=1 activation=softplus", "conv2d filters=4 kernel=1 activation=elu",
         "conv2d filters=3 kernel=1 activation=leaky_relu(0.1)", "conv2d_transpose filters=6 kernel=2 activation=softmax l2=0.1",
         "conv2d_transpose filters=3 kernel=1x2 stride=2x3 activation=relu", "conv2d filters=2 kernel=1 padding=same activation=softmax"},
        40);
}

TEST_CASE("gradients in double: every loss behind every kind of activation") {
    for (const std::string loss : {"mean_squared_error", "mean_absolute_error", "huber(0.3)", "huber", "binary_crossentropy"}) {
        for (const std::string last : {"sigmoid", "softmax", "gelu"}) {
            if (loss == "binary_crossentropy" && last == "gelu") continue;  // its outputs are no probabilities
            CAPTURE(loss);
            CAPTURE(last);
            check_network({5, 4, 2},
                          {"conv2d filters=5 kernel=3x2 activation=gelu", "conv2d_transpose filters=4 kernel=2 activation=silu",
                           "conv2d filters=3 kernel=2 activation=gelu", "conv2d filters=3 kernel=1 activation=" + last},
                          20, loss);
        }
    }
}

TEST_CASE("gradients in double: padding in numbers that differ on every side, and sizes that layers do not make by themselves") {
    const std::vector<std::string> layers{"conv2d filters=5 kernel=4x3 stride=2x3 padding=3,0,1,2 activation=tanh l2=0.01",
                                          "conv2d filters=4 kernel=3 padding=2,1,0,1 activation=sigmoid",
                                          "conv2d_transpose filters=3 kernel=3x2 stride=1x2 padding=0,2,1,0 output=8x6 activation=softmax",
                                          "conv2d_transpose filters=3 kernel=3 stride=2 padding=same output=15x11 activation=relu",
                                          "conv2d filters=2 kernel=3 padding=0,0,2,0"};
    check_network({13, 11, 2}, layers, 40);
}

TEST_CASE("double: a gradient that does not lie where its vectors may begin is refused") {
    DoubleLayer layer(read_layer("conv2d filters=8 kernel=3", {5, 5, 1}), "linear", "", 1);
    const std::size_t vector = std::size_t(Halide::get_jit_target_from_environment().natural_vector_size<double>()) * sizeof(double);
    std::vector<double> memory(std::size_t(layer.kernel.number_of_elements()) + 2 * vector);
    void *begin = memory.data();
    std::size_t space = memory.size() * sizeof(double);
    auto *aligned = static_cast<double *>(std::align(vector, 0, begin, space));
    layer.kernel_gradient = Grid(aligned + vector / sizeof(double) / 2, 8, 1, 3, 3);
    Grid input = grid({5, 5, 1}, 1), gradient = grid({3, 3, 8}, 1);
    const auto run = [&] { return layer.backward_weights(input, gradient, layer.kernel, 0.0, layer.kernel_gradient, layer.bias_gradient); };
    CHECK_THROWS_AS(run(), Halide::Error);
    layer.kernel_gradient = Grid(aligned, 8, 1, 3, 3);
    CHECK(run() == 0);
}

}  // namespace
}  // namespace castnet::test

// Compares the pipelines of layers without weights with the naive reference, through Halide's JIT, on difficult shapes.
#include "tests/conformance/grid_map.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "generators/language/pipelines.h"
#include "tests/conformance/guarded.h"
#include "tests/conformance/sums.h"

namespace castnet::test {
namespace {

REGISTER_EXCEPTION_TRANSLATOR(Halide::Error &error) {
    return error.what();
}

struct Case {
    Shape input;
    std::string text;
    int images = 2;
};

const std::vector<Case> cases{
    {{28, 28, 8}, "max_pool"},
    {{28, 28, 16}, "max_pool padding=same", 1},
    {{7, 7, 32}, "max_pool padding=same"},               // an odd cell after
    {{9, 7, 17}, "max_pool", 3},                         // cells beyond the last windows
    {{8, 11, 20}, "max_pool pool=3x2 padding=same"},     // windows that reach beyond the grid
    {{9, 11, 20}, "max_pool pool=3x2 stride=2x1"},       // windows that overlap; channels that vectors do not divide
    {{9, 11, 3}, "max_pool pool=3 stride=1 padding=1"},  // zeros before, as in PyTorch
    {{8, 13, 1}, "max_pool pool=2x3 stride=3x5"},        // cells that no window reads
    {{5, 6, 17}, "max_pool pool=5x6"},                   // one window
    {{10, 9, 2}, "max_pool pool=4 stride=3 padding=2,1,0,3", 3},
    {{1, 1, 1}, "max_pool pool=1"},
    {{1, 40, 5}, "max_pool pool=1x4 padding=same"},
    {{28, 28, 8}, "average_pool"},
    {{7, 9, 33}, "average_pool padding=same", 3},  // the last windows have fewer cells
    {{9, 11, 20}, "average_pool pool=3x2 stride=2x1"},
    {{9, 11, 3}, "average_pool pool=5 stride=2 padding=2,1,3,4"},
    {{8, 13, 1}, "average_pool pool=2x3 stride=3x5"},
    {{12, 14, 4}, "average_pool pool=12x14", 1},
    {{4, 4, 8}, "upsample"},
    {{3, 5, 33}, "upsample size=3x2", 3},
    {{7, 2, 1}, "upsample size=1x7"},
    {{4, 4, 8}, "upsample interpolation=bilinear"},
    {{3, 5, 17}, "upsample size=3x4 interpolation=bilinear", 3},
    {{1, 1, 2}, "upsample size=5x1 interpolation=bilinear"},
    {{6, 3, 1}, "upsample size=2x5 interpolation=bilinear"},
    {{9, 7, 20}, "dropout rate=0.5", 3},
    {{5, 41, 1}, "dropout rate=0.25"},
    {{1, 1, 70}, "dropout rate=0.75"},
};

// What the previous layer's activation may be: of those that keep their output, their sums, and whole pixels.
const std::vector<std::string> activations{"linear", "relu", "tanh", "gelu", "softmax"};

constexpr Draw half{.key = 0xDEADBEEF, .threshold = 1U << 31U, .first_image = 5, .scale = 2};

/// A layer without weights behind one with an activation, and its two pipelines.
class GridLayer {
public:
    GridLayer(const Case &layer, const std::string &activation_)
        : activation(activation_), architecture_(read_architecture("grid.castnet", text_of(layer, activation_))) {
        for (const PipelineRecipe &recipe : pipelines_of(architecture_)) {
            if (recipe.layer != description().name) continue;
            (recipe.pass == "forward" ? forward_ : backward_) =
                create_callable_from_generator(Halide::GeneratorContext(Halide::get_jit_target_from_environment()), recipe.generator,
                                               {recipe.parameters.begin(), recipe.parameters.end()});
        }
    }

    LayerDescription description() const { return architecture_.layers[1].description(); }
    std::string activation;

    Guarded forward(Guarded &input, int images) const {
        Guarded output(description().output, images);
        const bool is_dropout = description().kind == LayerKind::dropout;
        REQUIRE(0 == (is_dropout ? forward_(input.buffer(), half.key, half.threshold, half.first_image, half.scale, output.buffer())
                                 : forward_(input.buffer(), output.buffer())));
        REQUIRE(output.guards_intact());
        return output;
    }

    /// `kept` is what the previous layer keeps, `input` what it made.
    Guarded backward(Guarded &gradient, Guarded &kept, Guarded &input, int images) const {
        Guarded result(description().input, images);
        const auto call = [&] {
            switch (description().kind) {
            case LayerKind::dropout:
                return backward_(gradient.buffer(), half.key, half.threshold, half.first_image, half.scale, kept.buffer(), result.buffer());
            case LayerKind::max_pool:
                return backward_(gradient.buffer(), kept.buffer(), input.buffer(), result.buffer());
            default:
                return backward_(gradient.buffer(), kept.buffer(), result.buffer());
            }
        };
        REQUIRE(call() == 0);
        REQUIRE(result.guards_intact());
        return result;
    }

private:
    static std::string text_of(const Case &layer, const std::string &activation) {
        const Shape &s = layer.input;
        return fmt::format(
            "input {0}x{1}x{2}\nencoder\nconv2d filters={2} kernel=1 activation={3}\n{4}\ndecoder\ndense units={5}\nreshape {0}x{1}x{2}",
            s.height, s.width, s.channels, activation, layer.text, s.size());
    }

    Architecture architecture_;
    Halide::Callable forward_, backward_;
};

/// Fills with integers of which many are equal, so that maxima tie.
void fill_integers(Guarded &values, std::mt19937 &random) {
    for (std::size_t i = 0; i < values.size(); i++) values.data()[i] = float(int(random() % 5) - 2);
}

/// Fills with what an activation makes, and with what its layer keeps.
void fill_activated(Guarded &output, Guarded &kept, const std::string &activation, int channels, std::mt19937 &random) {
    std::normal_distribution<double> normal;
    std::vector<double> z(output.size());
    for (double &value : z) value = normal(random);
    std::vector<double> y = z;
    reference::activate(activation, y, channels);
    std::ranges::copy(y, output.data());
    std::ranges::copy(needs_sums(activation) ? z : y, kept.data());
}

/// Calls visit(input, output, weight) for the terms of all images.
template <typename Visit>
void for_each_term_of(const LayerDescription &layer, const Guarded &input, int images, const Visit &visit) {
    const std::vector<double> all = input.values();
    const std::size_t in = layer.input.size(), out = layer.output.size();
    for (std::size_t n = 0; n < std::size_t(images); n++) {
        const std::vector<double> image(all.begin() + std::ptrdiff_t(n * in), all.begin() + std::ptrdiff_t((n + 1) * in));
        for_each_term(
            layer, image, [&](std::size_t i, std::size_t o, double weight) { visit(n * in + i, n * out + o, weight); }, half, int(n));
    }
}

/// Compares with sums whose weights are rounded too, by up to a few units.
void check_near(const Guarded &got, const std::vector<double> &want, const Sums &sums, double slack) {
    double worst = -1;
    for (std::size_t i = 0; i < want.size(); i++) {
        const double allowed = 8 * unit_roundoff * sums.magnitude[i] + sums.bound(i) + slack;
        if (!(std::abs(double(got.data()[i]) - want[i]) <= allowed)) worst = std::max(worst, std::abs(double(got.data()[i]) - want[i]));
    }
    CHECK(worst == -1);
}

bool has_integer_weights(const LayerDescription &layer) {
    return layer.kind == LayerKind::max_pool || layer.kind == LayerKind::dropout || layer.interpolation == "nearest";
}

/// Checks ⟨A x, g⟩ = ⟨x, Aᵀ g⟩.
void check_adjoint(const Guarded &input, const Guarded &output, const Guarded &gradient, const Guarded &back, bool exactly) {
    double forward = 0, backward = 0, magnitude = 0;
    for (std::size_t i = 0; i < output.size(); i++) forward += double(output.data()[i]) * gradient.data()[i];
    for (std::size_t i = 0; i < back.size(); i++) {
        backward += double(back.data()[i]) * input.data()[i];
        magnitude += std::abs(double(back.data()[i]) * input.data()[i]);
    }
    if (exactly) CHECK(forward == backward);
    CHECK(std::abs(forward - backward) <= 64 * unit_roundoff * magnitude);
}

/// Compares the outputs, exactly where the weights are integers, and checks that backward is forward's adjoint.
void check_outputs(const Case &c) {
    CAPTURE(c.text);
    std::mt19937 random(1);
    const GridLayer layer(c, "linear");
    const LayerDescription description = layer.description();
    Guarded input(c.input, c.images);
    fill_integers(input, random);
    const Guarded output = layer.forward(input, c.images);
    Sums sums(output.size());
    for_each_term_of(description, input, c.images,
                     [&](std::size_t i, std::size_t o, double weight) { sums.add(o, double(input.data()[i]) * weight); });
    if (has_integer_weights(description)) CHECK(output.values() == sums.value);
    check_near(output, sums.value, sums, 0);
    Guarded gradient(description.output, c.images);
    fill_integers(gradient, random);
    check_adjoint(input, output, gradient, layer.backward(gradient, input, input, c.images), has_integer_weights(description));
}

/// Compares the gradients behind an activation.
void check_gradients(const Case &c, const std::string &activation) {
    CAPTURE(c.text);
    CAPTURE(activation);
    std::mt19937 random(2);
    const GridLayer layer(c, activation);
    const LayerDescription description = layer.description();
    Guarded gradient(description.output, c.images), input(c.input, c.images), kept(c.input, c.images);
    fill_integers(gradient, random);
    if (activation == "linear" || activation == "relu") {
        fill_integers(input, random);
        std::copy_n(input.data(), input.size(), kept.data());
    } else {
        fill_activated(input, kept, activation, c.input.channels, random);
    }
    const Guarded got = layer.backward(gradient, kept, input, c.images);
    Sums sums(got.size());
    for_each_term_of(description, input, c.images,
                     [&](std::size_t in, std::size_t out, double weight) { sums.add(in, double(gradient.data()[out]) * weight); });
    std::vector<double> want = sums.value;
    reference::activation_gradient(activation, want, kept.values(), c.input.channels);
    if (has_integer_weights(description) && (activation == "linear" || activation == "relu")) CHECK(got.values() == want);
    const double largest = *std::ranges::max_element(sums.magnitude);
    check_near(got, want, sums, activation == "linear" ? 0 : (32 + c.input.channels) * unit_roundoff * largest);
}

TEST_CASE("grid maps: outputs are the reference's, exactly where the weights are integers, and backward is forward's adjoint") {
    for (const Case &c : cases) check_outputs(c);
}

TEST_CASE("grid maps: gradients are the reference's behind every kind of activation, and a maximum's goes to the first of equals") {
    // Each case behind two of them, so that each kind meets all.
    for (std::size_t i = 0; i < cases.size(); i++) {
        check_gradients(cases[i], activations[i % activations.size()]);
        check_gradients(cases[i], activations[(i + 2) % activations.size()]);
    }
}

/// Draws a layer and its input.
Case draw_case(std::mt19937 &random) {
    const auto up_to = [&](int most) { return 1 + int(random() % unsigned(most)); };
    const auto pair = [&](int most) { return fmt::format("{}x{}", up_to(most), up_to(most)); };
    const int height = up_to(13), width = up_to(19), kernel_y = up_to(std::min(4, height)), kernel_x = up_to(std::min(4, width));
    const std::string paddings[] = {
        "valid", "same", fmt::format("{},{},{},{}", up_to(kernel_y) - 1, up_to(kernel_y) - 1, up_to(kernel_x) - 1, up_to(kernel_x) - 1)};
    const std::string pool = fmt::format("pool={}x{} stride={} padding={}", kernel_y, kernel_x, pair(4), paddings[random() % 3]);
    const std::string texts[] = {"max_pool " + pool, "average_pool " + pool, "upsample size=" + pair(3),
                                 fmt::format("upsample size={} interpolation=bilinear", pair(4))};
    return {{height, width, up_to(40)}, texts[random() % 4], up_to(3)};
}

TEST_CASE("grid maps: layers drawn at random compute what the reference does") {
    std::mt19937 random(4);
    for (int i = 0; i < 12; i++) {
        const Case c = draw_case(random);
        CAPTURE(i);
        check_outputs(c);
        check_gradients(c, activations[random() % activations.size()]);
    }
}

TEST_CASE("grid maps: dropout keeps its share, and images, elements and keys draw apart") {
    const GridLayer layer({{32, 32, 8}, "dropout rate=0.5"}, "linear");
    Guarded ones({32, 32, 8}, 4);
    std::fill_n(ones.data(), ones.size(), 1.0F);
    const Guarded output = layer.forward(ones, 4);
    const std::size_t size = output.size() / 4;
    const auto kept = [&](std::size_t image, std::size_t element) { return output.data()[image * size + element] != 0; };
    // Of fair draws each count below is binomial: of 8192 draws, within 5 standard deviations (45 each) of the mean.
    for (std::size_t image = 0; image < 4; image++) {
        int own = 0, as_next_image = 0, as_next_element = 0;
        for (std::size_t i = 0; i < size; i++) {
            own += kept(image, i) ? 1 : 0;
            as_next_image += kept(image, i) == kept((image + 1) % 4, i) ? 1 : 0;
            as_next_element += kept(image, i) == kept(image, (i + 1) % size) ? 1 : 0;
        }
        for (const int count : {own, as_next_image, as_next_element}) CHECK(std::abs(count - 4096) < 5 * 46);
    }
}

}  // namespace
}  // namespace castnet::test

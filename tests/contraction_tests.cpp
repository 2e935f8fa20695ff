// Every contraction, through Halide's JIT, against the naive reference over shapes chosen to hurt: both layer kinds, all three passes.
#include <doctest/doctest.h>

#include <cstring>
#include <limits>
#include <random>

#include "Halide.h"
#include "generators/schedule.h"
#include "layer.h"

namespace castnet::test {
namespace {

using Random = std::mt19937;

/// A buffer between guard elements, filled with NaN so that an unwritten element shows.
class Guarded {
public:
    Guarded(const Shape &shape, int images) : Guarded({shape.channels, shape.width, shape.height, images}) {}

    /// Off every vector boundary unless `aligned` to 64 bytes, which only outputs that a pipeline adds to have to be.
    explicit Guarded(const std::vector<int> &extents, bool aligned = false) {
        for (const int extent : extents) size_ *= std::size_t(extent);
        memory_.assign(size_ + 2 * guard + 16, canary);
        begin_ = guard;
        while (reinterpret_cast<std::uintptr_t>(data()) % 64 != (aligned ? 0 : 4)) begin_++;
        std::fill_n(data(), size_, std::numeric_limits<float>::quiet_NaN());
        buffer_ = Halide::Buffer<float>(data(), extents);
    }
    Halide::Buffer<float> &buffer() { return buffer_; }
    std::size_t size() const { return size_; }
    float *data() { return memory_.data() + begin_; }
    const float *data() const { return memory_.data() + begin_; }
    std::vector<double> values(std::size_t offset, std::size_t count) const { return {data() + offset, data() + offset + count}; }
    bool guards_intact() const {
        const auto intact = [](float value) { return value == canary; };
        return std::all_of(memory_.data(), data(), intact) && std::all_of(data() + size_, memory_.data() + memory_.size(), intact);
    }

private:
    static constexpr std::size_t guard = 64;
    static constexpr float canary = 12345.678F;
    std::vector<float> memory_;  // moved, never copied: data() must stay where buffer_ points
    std::size_t size_ = 1, begin_ = 0;
    Halide::Buffer<float> buffer_;
};

/// Integers in ±4, a quarter of them zero: sums of up to 2²⁴/16 products are exact in float in any order.
void fill_integers(Guarded &g, Random &random) {
    for (std::size_t i = 0; i < g.size(); i++) g.data()[i] = random() % 4 == 0 ? 0.0F : float(int(random() % 9) - 4);
}
void fill_reals(Guarded &g, Random &random) {
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < g.size(); i++) g.data()[i] = normal(random);
}
void fill(Guarded &g, Random &random, bool integers) {
    integers ? fill_integers(g, random) : fill_reals(g, random);
}

/// A sum in double with what bounds float's error on it: the number of terms and the sum of their magnitudes.
struct Sums {
    std::vector<double> value, magnitude, terms;
    explicit Sums(std::size_t size) : value(size), magnitude(size), terms(size) {}
    void add(std::size_t i, double term) {
        value[i] += term;
        magnitude[i] += std::abs(term);
        terms[i] += 1;
    }
    /// Higham, Accuracy and Stability, (3.5): |error| ≤ γₙ Σ|aᵢbᵢ| for any order of summation, γₙ ≈ n·u; two more for bias and epilogue.
    double bound(std::size_t i) const { return (terms[i] + 2) * 0x1p-24 * magnitude[i] * 1.01; }
};

/// Checks float results: equality on integers, else the derived bound, widened by `slack` for what is not a sum.
void check_close(const float *got, const std::vector<double> &want, const Sums &sums, std::size_t offset, bool exact, double slack) {
    std::size_t wrong = 0;
    double worst = 0;
    for (std::size_t i = 0; i < want.size(); i++) {
        const double error = std::abs(double(got[i]) - want[i]);
        const double allowed = exact ? 0 : sums.bound(offset + i) + slack;
        if (!(error <= allowed)) wrong++;  // NaN is wrong
        if (error > worst || std::isnan(error)) worst = error;
    }
    CAPTURE(worst);
    CHECK(wrong == 0);
}

Halide::GeneratorParamsMap geometry(const Layer &layer) {
    const Shape l = layer.large(), s = layer.small();
    Halide::GeneratorParamsMap params;
    const auto set = [&](const char *name, int value) { params[name] = std::to_string(value); };
    set("large_width", l.width), set("large_height", l.height), set("large_channels", l.channels);
    set("small_width", s.width), set("small_height", s.height), set("small_channels", s.channels);
    set("kernel_width", layer.kernel_width), set("kernel_height", layer.kernel_height);
    set("stride_x", layer.stride_x), set("stride_y", layer.stride_y);
    set("pad_x", layer.pad_x()), set("pad_y", layer.pad_y());
    return params;
}

REGISTER_EXCEPTION_TRANSLATOR(Halide::Error &error) {
    return error.what();
}

const Halide::GeneratorContext &context() {
    static const Halide::GeneratorContext context(Halide::get_jit_target_from_environment());
    return context;
}

/// Which schedule the pipelines have: the one that the shapes choose, or, with a generator of random numbers, any of the autotuner's space.
Random *random_schedules = nullptr;

Halide::GeneratorParamsMap with_schedule(const std::string &generator, Halide::GeneratorParamsMap params) {
    if (random_schedules == nullptr || generator == "transpose_kernel") return params;
    const auto any = [](const auto &values) -> const auto & {
        return values[(*random_schedules)() % values.size()];
    };
    const auto instance = Halide::Internal::GeneratorRegistry::create(generator, context());
    for (const auto &[name, value] : params) instance->set_generatorparam_value(name, value);
    instance->build_pipeline();
    const auto *tunable = dynamic_cast<const Tunable *>(instance.get());
    REQUIRE(tunable != nullptr);
    const std::vector<Method> space = tunable->space();
    const Method &method = any(space);
    params["method"] = method.name;
    for (const Choice &choice : method.choices) params[choice.name] = any(choice.values);
    return params;
}

std::string last_pipeline;  // what a failure is reproduced with: "generator name=value …"

std::string describe(const Halide::GeneratorParamsMap &params) {
    std::string text;
    for (const auto &[name, value] : params) text.append(name).append("=").append(value).append(" ");
    return text;
}

/// The generator's pipeline for one set of parameters, compiled when first asked for.
const Halide::Callable &pipeline(const std::string &generator, const Halide::GeneratorParamsMap &geometry) {
    const Halide::GeneratorParamsMap params = with_schedule(generator, geometry);
    last_pipeline = generator + " " + describe(params);
    static std::map<std::pair<std::string, Halide::GeneratorParamsMap>, Halide::Callable> compiled;
    const auto [entry, is_new] = compiled.try_emplace({generator, params});
    if (is_new) entry->second = create_callable_from_generator(context(), generator, params);
    return entry->second;
}

struct Case {
    Layer layer;
    int images;
    std::string activation;
};

/// One layer's operands: filled inputs, outputs of NaN.
struct Operands {
    Guarded input, output, kernel, bias;
    Operands(const Case &c, Random &random, bool integers)
        : input(c.layer.input, c.images),
          output(c.layer.output(), c.images),
          kernel({c.layer.small().channels, c.layer.large().channels, c.layer.kernel_width, c.layer.kernel_height}),
          bias({c.layer.filters}) {
        fill(input, random, integers);
        fill(kernel, random, integers);
        fill(bias, random, integers);
    }
};

/// The kernel with the large grid's channels innermost, made by its own pipeline and checked.
Guarded transposed(const Layer &layer, Guarded &kernel) {
    const int lc = layer.large().channels, sc = layer.small().channels;
    Guarded result({lc, sc, layer.kernel_width, layer.kernel_height});
    REQUIRE(pipeline("transpose_kernel", geometry(layer))(kernel.buffer(), result.buffer()) == 0);
    bool same = true;
    for (int k = 0; k < layer.kernel_width * layer.kernel_height; k++)
        for (int s = 0; s < sc; s++)
            for (int l = 0; l < lc; l++) same = same && result.data()[(k * sc + s) * lc + l] == kernel.data()[(k * lc + l) * sc + s];
    CHECK(same);
    CHECK(result.guards_intact());
    return result;
}

bool exact(const std::string &activation, bool integers) {
    return integers && (activation == "linear" || activation == "relu");
}

void check_forward(const Case &c, Random &random, bool integers) {
    const Layer &layer = c.layer;
    Operands o(c, random, integers);
    auto params = geometry(layer);
    params["activation"] = c.activation;
    if (layer.transpose) {
        Guarded kernel = transposed(layer, o.kernel);
        REQUIRE(pipeline("spread", params)(o.input.buffer(), kernel.buffer(), o.bias.buffer(), o.output.buffer()) == 0);
    } else {
        REQUIRE(pipeline("correlate", params)(o.input.buffer(), o.kernel.buffer(), o.bias.buffer(), o.output.buffer()) == 0);
    }
    CHECK(o.output.guards_intact());

    const std::size_t in = layer.input.size(), out = layer.output().size();
    for (int n = 0; n < c.images; n++) {
        Sums z(out);
        for (std::size_t i = 0; i < out; i++) z.add(i, o.bias.data()[i % std::size_t(layer.filters)]);
        layer.for_each_product([&](std::size_t l, std::size_t s, std::size_t k) {
            const std::size_t from = layer.transpose ? s : l, to = layer.transpose ? l : s;
            z.add(to, double(o.input.data()[std::size_t(n) * in + from]) * o.kernel.data()[k]);
        });
        std::vector<double> y = z.value;
        activate(c.activation, y, layer.filters);
        // Softmax mixes a pixel's channels: the bound of its sums is that of the worst of them.
        double slack = exact(c.activation, true) ? 0 : 4e-7;
        if (c.activation == "softmax")
            for (std::size_t i = 0; i < out; i++) slack = std::max(slack, 4e-7 + 2 * z.bound(i));
        check_close(o.output.data() + std::size_t(n) * out, y, z, 0, exact(c.activation, integers), slack);
    }
}

void check_backward_data(const Case &c, Random &random, bool integers) {
    const Layer &layer = c.layer;
    Operands o(c, random, integers);
    const std::size_t in = layer.input.size(), out = layer.output().size();
    // The previous layer's output, as its activation could have made it.
    Guarded previous(layer.input, c.images), result(layer.input, c.images);
    fill(previous, random, integers);
    if (!exact(c.activation, true)) {
        std::vector<double> y = previous.values(0, previous.size());
        activate(c.activation, y, layer.input.channels);
        std::copy(y.begin(), y.end(), previous.data());
    }
    fill(o.output, random, integers);
    auto params = geometry(layer);
    params["pass"] = "backward_data";
    params["activation"] = c.activation;
    if (layer.transpose) {
        REQUIRE(pipeline("correlate", params)(o.output.buffer(), o.kernel.buffer(), previous.buffer(), result.buffer()) == 0);
    } else {
        Guarded kernel = transposed(layer, o.kernel);
        REQUIRE(pipeline("spread", params)(o.output.buffer(), kernel.buffer(), previous.buffer(), result.buffer()) == 0);
    }
    CHECK(result.guards_intact());

    for (int n = 0; n < c.images; n++) {
        Sums g(in);
        layer.for_each_product([&](std::size_t l, std::size_t s, std::size_t k) {
            const std::size_t from = layer.transpose ? l : s, to = layer.transpose ? s : l;
            g.add(to, double(o.output.data()[std::size_t(n) * out + from]) * o.kernel.data()[k]);
        });
        const std::vector<double> y = previous.values(std::size_t(n) * in, in);
        std::vector<double> dz = g.value;
        activation_gradient(c.activation, dz, y, layer.input.channels);
        double slack = 0;
        if (!exact(c.activation, true)) {
            const double largest = *std::max_element(g.magnitude.begin(), g.magnitude.end());
            slack = 4 * 0x1p-24 * largest;  // the rounding of the derivative's own products
            if (c.activation == "softmax")
                for (std::size_t i = 0; i < in; i++)
                    slack = std::max(slack, 8 * 0x1p-24 * largest + 2 * g.bound(i) + layer.input.channels * 0x1p-24 * largest);
        }
        check_close(result.data() + std::size_t(n) * in, dz, g, 0, exact(c.activation, integers), slack);
    }
}

void check_backward_weights(const Case &c, Random &random, bool integers) {
    const Layer &layer = c.layer;
    Operands o(c, random, integers);
    fill(o.output, random, integers);
    Guarded &large = layer.transpose ? o.output : o.input;
    Guarded &small = layer.transpose ? o.input : o.output;
    Guarded gradient({layer.small().channels, layer.large().channels, layer.kernel_width, layer.kernel_height}, true),
        bias({layer.filters});

    auto params = geometry(layer);
    params["output_grid"] = layer.transpose ? "large" : "small";
    const bool decays = c.images == 3;
    const float decay = 0.5F;
    params["decays"] = decays ? "true" : "false";
    const Halide::Callable &run = pipeline("kernel_gradient", params);
    REQUIRE((decays ? run(large.buffer(), small.buffer(), o.kernel.buffer(), decay, gradient.buffer(), bias.buffer())
                    : run(large.buffer(), small.buffer(), gradient.buffer(), bias.buffer())) == 0);
    CHECK(gradient.guards_intact());
    CHECK(bias.guards_intact());

    Sums dk(gradient.size()), db(bias.size());
    for (std::size_t k = 0; decays && k < gradient.size(); k++) dk.add(k, decay * o.kernel.data()[k]);
    for (std::size_t n = 0; n < std::size_t(c.images); n++) {
        layer.for_each_product([&](std::size_t l, std::size_t s, std::size_t k) {
            dk.add(k, double(large.data()[n * layer.large().size() + l]) * small.data()[n * layer.small().size() + s]);
        });
    }
    for (std::size_t i = 0; i < o.output.size(); i++) db.add(i % bias.size(), o.output.data()[i]);
    check_close(gradient.data(), dk.value, dk, 0, integers, 0);
    check_close(bias.data(), db.value, db, 0, integers, 0);
}

// input h w c, filters, kernel h w, stride y x, same, images
std::vector<Case> cases() {
    static const std::vector<std::string> activations{"linear", "relu", "sigmoid", "tanh", "softmax"};
    struct Row {
        Shape input;
        int filters, kh, kw, sy, sx, images;
    };
    static const std::vector<Row> rows{
        {{28, 28, 1}, 32, 3, 3, 2, 2, 2},   // the default network's, as they are
        {{14, 14, 32}, 64, 3, 3, 2, 2, 1},  //
        {{7, 7, 64}, 2, 7, 7, 1, 1, 3},     //
        {{14, 14, 32}, 1, 7, 7, 2, 2, 1},   //
        {{1, 1, 2}, 64, 7, 7, 1, 1, 3},     //
        {{1, 1, 1}, 1, 1, 1, 1, 1, 1},      // the smallest
        {{5, 5, 1}, 1, 3, 3, 1, 1, 3},      //
        {{9, 7, 3}, 5, 3, 2, 1, 2, 3},      // odd, rectangular
        {{17, 23, 2}, 33, 5, 3, 2, 3, 1},   // channels one above a vector
        {{6, 8, 33}, 3, 3, 3, 1, 1, 3},     //
        {{6, 5, 70}, 17, 2, 3, 2, 1, 1},    // vectors that do not divide
        {{4, 4, 16}, 70, 3, 3, 1, 1, 3},    //
        {{11, 13, 4}, 6, 2, 2, 3, 3, 3},    // stride above the kernel
        {{12, 10, 9}, 2, 1, 1, 2, 4, 1},    //
        {{8, 9, 1}, 1, 2, 3, 3, 5, 3},      //
        {{7, 19, 1}, 8, 7, 1, 1, 1, 1},     // a column of a kernel
        {{6, 40, 2}, 3, 1, 9, 1, 2, 3},     // wide
        {{2, 2, 10}, 12, 2, 2, 1, 1, 3},    // few positions, many taps
        {{2, 3, 5}, 4, 2, 3, 5, 4, 1},      //
        {{3, 3, 8}, 7, 3, 3, 3, 3, 1},      //
        {{5, 37, 20}, 24, 3, 3, 1, 1, 3},   // several tiles a row, with channels for vectors
        {{9, 30, 16}, 3, 5, 5, 2, 2, 3},    //
        {{4, 3, 18}, 20, 4, 5, 1, 1, 1},    // a kernel larger than the grid
    };
    std::vector<Case> cases;
    for (const Row &row : rows) {
        for (const bool transpose : {false, true}) {
            for (const bool same : {false, true}) {
                const Layer layer{transpose, row.input, row.filters, row.kh, row.kw, row.sy, row.sx, same};
                if (layer.output().height < 1 || layer.output().width < 1) continue;
                cases.push_back({layer, row.images, activations[cases.size() % activations.size()]});
            }
        }
    }
    return cases;
}

template <typename Check>
void check_all(const Check &check) {
    Random random(7);
    for (const Case &c : cases()) {
        CAPTURE(c.layer.describe());
        INFO(last_pipeline);
        for (const bool integers : {true, false}) {
            CAPTURE(integers);
            check(c, random, integers);
        }
    }
}

/// The same under schedules of the autotuner's space.
template <typename Check>
void check_random_schedules(const Check &check) {
    Random schedules(11), random(7);
    random_schedules = &schedules;
    const std::vector<Case> all = cases();
    for (std::size_t i = 0; i < all.size(); i += 2) {  // half of them are enough for a run, as each compiles pipelines of its own
        CAPTURE(all[i].layer.describe());
        INFO(last_pipeline);
        check(all[i], random, true);
    }
    random_schedules = nullptr;
}

TEST_CASE("contractions: forward agrees with the formula") {
    check_all(check_forward);
}
TEST_CASE("contractions: backward_data agrees with the formula") {
    check_all(check_backward_data);
}
TEST_CASE("contractions: backward_weights agrees with the formula") {
    check_all(check_backward_weights);
}
TEST_CASE("contractions: forward agrees with the formula under any schedule") {
    check_random_schedules(check_forward);
}
TEST_CASE("contractions: backward_data agrees with the formula under any schedule") {
    check_random_schedules(check_backward_data);
}
TEST_CASE("contractions: backward_weights agrees with the formula under any schedule") {
    check_random_schedules(check_backward_weights);
}

}  // namespace
}  // namespace castnet::test

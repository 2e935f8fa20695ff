#include "tests/conformance/draw.h"

#include <algorithm>

namespace castnet::test {
namespace {

constexpr double most_products = 2e7, most_elements = 1e6;

class Draw {
public:
    explicit Draw(std::mt19937 &random) : random_(random) {}

    int between(int first, int last) { return first + int(random_() % unsigned(last - first + 1)); }
    bool chance(int one_in) { return random_() % unsigned(one_in) == 0; }
    template <typename T>
    const T &any(const std::vector<T> &values) {
        return values[random_() % values.size()];
    }

    int channels() {
        static const std::vector<int> edges{1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 129, 130};
        return chance(3) ? between(1, 130) : any(edges);
    }
    int pixels() {
        static const std::vector<int> edges{1, 2, 3, 7, 8, 9, 15, 16, 17, 39, 40};
        return chance(2) ? between(1, 40) : any(edges);
    }
    int images() { return chance(3) ? between(1, 9) : between(1, 2); }
    int stride(int kernel) { return chance(8) ? kernel + between(1, 3) : between(1, 4); }

    Window window(PaddingMode padding) {
        Window window{.kernel = between(1, 7), .padding = padding};
        window.stride = stride(window.kernel);
        if (padding == PaddingMode::numbers) {
            window.before = between(0, window.kernel - 1);
            window.after = between(0, window.kernel - 1);
        }
        return window;
    }
    /// Returns any extent that conv2d_transpose can make of `small`.
    int large_extent(const Window &window, int small) {
        return between(window.least_large_extent(small), std::max(1, window.most_large_extent(small)));
    }
    /// Returns a layer whose input and padding may not fit each other.
    Layer layer() {
        Layer layer;
        LayerStatement &s = layer.statement;
        s.kind = any<LayerKind>({LayerKind::conv2d, LayerKind::conv2d_transpose});
        layer.input = {pixels(), pixels(), channels()};
        s.filters = channels();
        const auto padding = chance(2) ? PaddingMode::numbers : any<PaddingMode>({PaddingMode::valid, PaddingMode::same});
        s.y = window(padding);
        s.x = window(padding);
        if (s.kind == LayerKind::conv2d_transpose && chance(2))
            s.output = {large_extent(s.y, layer.input.height), large_extent(s.x, layer.input.width), 0};
        if (s.kind == LayerKind::conv2d && chance(3)) upsample(layer);
        if (chance(6)) use_winograd(layer);
        return layer;
    }
    /// Puts the layer behind an upsample.
    void upsample(Layer &layer) {
        layer.upsampled_y = between(1, 4), layer.upsampled_x = between(1, 4);
        layer.input.height = layer.upsampled_y * between(1, 40 / layer.upsampled_y);
        layer.input.width = layer.upsampled_x * between(1, 40 / layer.upsampled_x);
        layer.statement.y.stride = layer.statement.x.stride = 1;
    }
    /// Gives the layer a kernel of 2 or 3 taps in each phase of its stride.
    void use_winograd(Layer &layer) {
        layer.statement.output = {};
        const int taps = between(2, 3);
        for (Window *window : {&layer.statement.y, &layer.statement.x}) {
            window->stride = layer.upsampled_x * layer.upsampled_y > 1 ? 1 : between(1, 2);
            window->kernel = taps * window->stride - between(0, window->stride - 1);
            window->before = std::min(window->before, window->kernel - 1);
            window->after = std::min(window->after, window->kernel - 1);
        }
    }
    Pass pass() {
        if (chance(6)) return Pass::adjoint;
        return any<Pass>({Pass::forward, Pass::backward_data, Pass::backward_weights});
    }
    std::string schedule() { return chance(2) ? "default" : "random:" + std::to_string(random_() % 1000); }

private:
    std::mt19937 &random_;
};

bool is_small_enough(const Problem &problem) {
    const double pixels = double(problem.layer.description().own_geometry().large.size());
    return problem.products() <= most_products && problem.images * pixels <= most_elements;
}

}  // namespace

Problem draw(std::mt19937 &random) {
    Draw draw(random);
    std::optional<Problem> fitting;
    while (!fitting || !is_small_enough(*fitting)) {
        Problem drawn;
        drawn.layer = draw.layer();
        drawn.images = draw.images();
        fitting = drawn.placed();
    }
    Problem problem = *fitting;
    problem.pass = draw.pass();
    problem.schedule = draw.schedule();
    const bool activates = problem.pass == Pass::forward || problem.pass == Pass::backward_data;
    if (activates) problem.layer.statement.activation = draw.any(activation_names);
    if (problem.pass == Pass::backward_weights) problem.decays = draw.chance(3);
    return problem;
}

}  // namespace castnet::test

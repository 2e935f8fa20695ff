#include "tests/conformance/draw.h"

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

    Layer layer() {
        Layer layer;
        layer.transpose = chance(2);
        layer.input = {pixels(), pixels(), channels()};
        layer.filters = channels();
        layer.kernel_height = between(1, 7);
        layer.kernel_width = between(1, 7);
        layer.stride_y = stride(layer.kernel_height);
        layer.stride_x = stride(layer.kernel_width);
        layer.same = chance(2);
        return layer;
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
    return problem.products() <= most_products && problem.images * double(problem.layer.large().size()) <= most_elements;
}

}  // namespace

Problem draw(std::mt19937 &random) {
    Draw draw(random);
    Problem problem;
    do {
        problem.layer = draw.layer();
        problem.images = draw.images();
    } while (!problem.has_output() || !is_small_enough(problem));
    problem.pass = draw.pass();
    problem.schedule = draw.schedule();
    const bool activates = problem.pass == Pass::forward || problem.pass == Pass::backward_data;
    if (activates) problem.activation = draw.any(activation_names);
    if (problem.pass == Pass::backward_weights) problem.decays = draw.chance(3);
    return problem;
}

}  // namespace castnet::test

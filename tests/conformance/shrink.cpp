#include "tests/conformance/shrink.h"

namespace castnet::test {
namespace {

/// A number of a problem, its least value, and what it is a multiple of.
struct Number {
    int *value = nullptr;
    int least = 1, step = 1;
};

std::vector<Number> numbers_of(Problem &problem) {
    LayerStatement &s = problem.layer.statement;
    Shape &input = problem.layer.input;
    int &upsampled_y = problem.layer.upsampled_y, &upsampled_x = problem.layer.upsampled_x;
    std::vector<Number> numbers{{&problem.images},
                                {&upsampled_y},
                                {&upsampled_x},
                                {&input.height, upsampled_y, upsampled_y},
                                {&input.width, upsampled_x, upsampled_x},
                                {&input.channels},
                                {&s.filters}};
    for (Window *window : {&s.y, &s.x})
        numbers.insert(numbers.end(), {{&window->kernel}, {&window->stride}, {&window->before, 0}, {&window->after, 0}});
    if (s.output) numbers.insert(numbers.end(), {{&s.output->height}, {&s.output->width}});
    return numbers;
}

/// Keeps the difference between output= and the layer's natural size as it is in `problem`.
void keep_output(Problem &changed, const Problem &problem) {
    LayerStatement &s = changed.layer.statement;
    if (!s.output) return;
    const LayerStatement &before = problem.layer.statement;
    s.output->height += s.y.large_extent(changed.layer.input.height) - before.y.large_extent(problem.layer.input.height);
    s.output->width += s.x.large_extent(changed.layer.input.width) - before.x.large_extent(problem.layer.input.width);
}

/// Returns every problem that is one step simpler, boldest steps first.
std::vector<Problem> simplifications(const Problem &problem) {
    std::vector<Problem> simpler;
    const auto propose = [&](const auto &change) {
        Problem changed = problem;
        change(changed);
        keep_output(changed, problem);
        if (const auto placed = changed.placed(); placed && !(*placed == problem)) simpler.push_back(*placed);
    };
    propose([](Problem &p) { p.schedule = "default"; });
    propose([](Problem &p) { p.layer.statement.activation = "linear"; });
    propose([](Problem &p) { p.decays = false; });
    propose([](Problem &p) { p.layer.statement.output.reset(); });
    propose([](Problem &p) { p.layer.upsampled_y = p.layer.upsampled_x = 1; });
    propose([](Problem &p) { p.layer.statement.y.padding = p.layer.statement.x.padding = PaddingMode::valid; });
    Problem original = problem;
    const auto numbers = numbers_of(original);
    for (std::size_t i = 0; i < numbers.size(); i++) {
        const auto &[number, least, step] = numbers[i];
        for (const int smaller : {least, *number / step / 2 * step, *number - step}) {
            if (smaller >= least && smaller < *number) propose([&](Problem &p) { *numbers_of(p)[i].value = smaller; });
        }
    }
    return simpler;
}

}  // namespace

Problem shrink(Problem problem, const std::function<bool(const Problem &)> &fails, std::chrono::seconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (bool shrunk = true; shrunk;) {
        shrunk = false;
        for (const Problem &simpler : simplifications(problem)) {
            if (std::chrono::steady_clock::now() > end) return problem;
            if (!fails(simpler)) continue;
            problem = simpler;
            shrunk = true;
            break;
        }
    }
    return problem;
}

}  // namespace castnet::test

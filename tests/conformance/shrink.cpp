#include "tests/conformance/shrink.h"

namespace castnet::test {
namespace {

/// Every problem that is one step simpler, the boldest steps first.
std::vector<Problem> simplifications(const Problem &problem) {
    std::vector<Problem> simpler;
    const auto propose = [&](const auto &change) {
        Problem changed = problem;
        change(changed);
        if (changed.has_output() && !(changed == problem)) simpler.push_back(changed);
    };
    const auto extents = [](Problem &p) {
        Layer &l = p.layer;
        return std::vector<int *>{&p.images,        &l.input.height, &l.input.width, &l.input.channels, &l.filters,
                                  &l.kernel_height, &l.kernel_width, &l.stride_y,    &l.stride_x};
    };
    propose([](Problem &p) { p.schedule = "default"; });
    propose([](Problem &p) { p.activation = "linear"; });
    propose([](Problem &p) { p.decays = false; });
    propose([](Problem &p) { p.layer.same = false; });
    Problem original = problem;
    for (std::size_t i = 0; i < extents(original).size(); i++) {
        const int extent = *extents(original)[i];
        for (const int smaller : {1, extent / 2, extent - 1}) {
            if (smaller >= 1 && smaller < extent) propose([&](Problem &p) { *extents(p)[i] = smaller; });
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

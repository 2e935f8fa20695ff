// What the optimizers' updates share: the batch's gradient, an update in place, and its schedule.
#pragma once

#include <vector>

#include "Halide.h"
#include "element.h"
#include "tree.h"

namespace castnet {

/// A parameter and what the optimizer keeps beside it.
using State = std::vector<Halide::Expr>;

/// Returns a Func of `size` values that updates its own elements, in vectors of `lanes`: next(g, state) is the state that follows. g is the
/// sum of at most four rows of gradients; `gradients` has the dimensions (parameter, row).
template <typename Gradients, typename Next>
Halide::Func update(Gradients &gradients, std::size_t size, int lanes, const Next &next) {
    using namespace Halide;
    const Var i("i"), block("block"), lane("lane");
    Func gradient("gradient");
    gradient(i) = sum_of_rows(gradients, i);
    Func step("step");  // all of its elements are read before the first is written
    step(i) = Tuple(State(size, undef<Element>()));
    State now;
    for (std::size_t value = 0; value < size; value++) now.push_back(size == 1 ? Expr(step(i)) : Expr(step(i)[static_cast<int>(value)]));
    step(i) = Tuple(next(Expr(gradient(i)), now));

    gradients.set_estimates({{0, 1 << 14}, {0, 4}});
    step.set_estimates({{0, 1 << 14}});
    step.update().split(i, block, lane, lanes, TailStrategy::RoundUp).vectorize(lane);
    gradient.compute_at(step, block).store_in(MemoryType::Register).vectorize(i, lanes);
    return step;
}

}  // namespace castnet

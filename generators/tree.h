// The sum of a few rows of gradients, as the tree over a batch's shards adds them (runtime/sharding.h).
#pragma once

#include "Halide.h"

namespace castnet {

/// Returns element `i` of the sum of at most four rows: (0 + 1) + (2 + 3). A row that is missing is left out. `rows` has the dimensions
/// (parameter, row). The sums are strict: nothing may add in another order.
template <typename Rows>
Halide::Expr sum_of_rows(Rows &rows, const Halide::Expr &i) {
    using namespace Halide;
    const Expr count = rows.dim(1).extent();
    const auto row = [&](int index) { return rows(i, min(index, count - 1)); };  // reads one that is there
    const auto add = [&](const Expr &has_right, const Expr &left, const Expr &right) {
        return select(has_right, strict_float(left + right), left);
    };
    return add(count > 2, add(count > 1, row(0), row(1)), add(count > 3, row(2), row(3)));
}

}  // namespace castnet

// Zero padding, staged: a copy of a grid with zeros around it, so that no load of a reduction has to test where it is.
#pragma once

#include <algorithm>
#include <vector>

#include "register_tile.h"
#include "stack.h"

namespace castnet {

/// Columns and rows of zeros around a grid.
struct Margins {
    int left = 0, right = 0, top = 0, bottom = 0;

    /// Without those that a reduction skips.
    [[nodiscard]] Margins skipping(bool columns, bool rows) const {
        return {.left = columns ? 0 : left, .right = columns ? 0 : right, .top = rows ? 0 : top, .bottom = rows ? 0 : bottom};
    }
    [[nodiscard]] bool any() const { return left > 0 || right > 0 || top > 0 || bottom > 0; }
};

class ZeroPadding {
public:
    Halide::Func window{"window"};  // (c, x, y, n), from (0, -left, -top); the grid itself where there are no margins

    template <typename Grid>
    void define(const Grid &grid, int channels, int width, int height, const Margins &margins) {
        channels_ = channels;
        width_ = width;
        height_ = height;
        margins_ = margins;
        if (!margins.any()) {
            window(c, x, y, n) = grid(c, x, y, n);
            return;
        }
        window(c, x, y, n) = Halide::undef<Element>();
        const int all_columns = margins.left + width + margins.right;
        fill(-margins.left, all_columns, -margins.top, margins.top);
        fill(-margins.left, all_columns, height, margins.bottom);
        fill(-margins.left, margins.left, 0, height);
        fill(width, margins.right, 0, height);
        const Halide::RDom r(0, channels, 0, width, 0, height);
        window(r.x, r.y, r.z, n) = grid(r.x, r.y, r.z, n);
        parts_.push_back({r, width});
    }

    /// Makes the copy, if there is one, inside the loop `image` of `consumer`. The lanes run along the channels where they fill a vector,
    /// else along the columns.
    void compute_at(const Halide::Func &consumer, const Halide::VarOrRVar &image, int natural_lanes) {
        if (!margins_.any()) return;
        window.compute_at(Halide::LoopLevel(consumer, image));
        keep_on_stack(window, int64_t{channels_} * (margins_.left + width_ + margins_.right) * (margins_.top + height_ + margins_.bottom));
        for (size_t part = 0; part < parts_.size(); part++) {
            const auto &[r, columns] = parts_[part];
            const bool by_channel = channels_ >= natural_lanes || channels_ >= columns;
            const int lanes = lanes_within(by_channel ? channels_ : columns, natural_lanes);
            window.update(static_cast<int>(part)).vectorize(by_channel ? r.x : r.y, lanes);
        }
    }

private:
    struct Part {
        Halide::RDom r;
        int columns;
    };

    void fill(int first_column, int columns, int first_row, int rows) {
        if (columns <= 0 || rows <= 0) return;
        const Halide::RDom r(0, channels_, first_column, columns, first_row, rows);
        window(r.x, r.y, r.z, n) = element(0);
        parts_.push_back({r, columns});
    }

    const Halide::Var c{"c"}, x{"x"}, y{"y"}, n{"n"};
    std::vector<Part> parts_;
    Margins margins_;
    int channels_ = 1, width_ = 1, height_ = 1;
};

}  // namespace castnet

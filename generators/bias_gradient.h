// bias_gradient(c) = Σ grid(c, x, y, n), in registers: a few chains of additions side by side, as each would wait for itself.
#pragma once

#include <algorithm>
#include <vector>

#include "register_tile.h"
#include "stack.h"

namespace castnet {

class BiasGradient {
public:
    Halide::Func bias{"bias"};

    // The algorithm.

    template <typename Grid>
    void define(const Grid &grid, int channels, int width, int height, const Halide::Expr &images, int natural_lanes) {
        channels_ = channels;
        width_ = width;
        natural_lanes_ = natural_lanes;
        if (is_by_channel()) {
            sum_channels(grid, height, images);
        } else {
            sum_rows(grid, height, images);
        }
        bias(c) = total(c);
    }

    // The schedule.

    void schedule() {
        const Halide::Var co("co"), ci("ci");
        bias.bound(c, 0, channels_).split(c, co, ci, channel_lanes()).vectorize(ci);
        total.compute_at(bias, co).store_in(Halide::MemoryType::Register);
        if (is_by_channel()) {
            schedule_channels(co);
        } else {
            schedule_rows();
        }
    }

private:
    static constexpr int chains = 8;  // two additions a cycle, each of which takes four

    const Halide::Var c{"c"}, e{"e"}, chain{"chain"};
    Halide::Func partial{"bias_partial"}, total{"bias_total"};
    Halide::RDom position, all;
    struct Part {
        Halide::RDom row;
        int elements, lanes;
    };
    std::vector<Part> parts;
    int channels_ = 1, width_ = 1, natural_lanes_ = 1;

    /// Whether the lanes run along the channels, where they fill a vector, else along a row.
    bool is_by_channel() const { return channels_ >= natural_lanes_ || channels_ >= width_; }
    int channel_lanes() const { return lanes_within(channels_, natural_lanes_); }

    /// A chain for each of so many columns that they divide the row.
    int columns_aside() const {
        int columns = chains;
        while (width_ % columns != 0) columns--;
        return columns;
    }

    template <typename Grid>
    void sum_channels(const Grid &grid, int height, const Halide::Expr &images) {
        position = Halide::RDom(0, width_ / columns_aside(), 0, height, 0, images);
        all = Halide::RDom(0, columns_aside());
        partial(c, chain) = element(0);
        partial(c, chain) += grid(c, position.x * columns_aside() + chain, position.y, position.z);
        total(c) = element(0);
        total(c) += partial(c, all);
    }

    /// The lanes run along a row of all channels, an accumulator for each element of it; what is left of the row in ever shorter vectors,
    /// as overlapping ones would wait for each other.
    template <typename Grid>
    void sum_rows(const Grid &grid, int height, const Halide::Expr &images) {
        partial(e) = element(0);
        for (int first = 0; first < elements();) {
            const int lanes = lanes_within(elements() - first, natural_lanes_), count = (elements() - first) / lanes * lanes;
            const Halide::RDom row(first, count, 0, height, 0, images);
            partial(row.x) += grid(row.x % channels_, row.x / channels_, row.y, row.z);
            parts.push_back({row, count, lanes});
            first += count;
        }
        all = Halide::RDom(0, width_);
        total(c) = element(0);
        total(c) += partial(c + channels_ * all);
    }
    int elements() const { return width_ * channels_; }

    ///     for co                                      vectors of channels
    ///       partial[vector, chains] = 0
    ///       for position.z, position.y, position.x    images, rows, groups of columns
    ///         partial[vector, chains] += grid
    ///       total[vector] = Σ partial                 over chains
    ///       bias[vector] = total[vector]
    void schedule_channels(const Halide::Var &co) {
        accumulate_in_registers(partial, {bias, co}, c, channel_lanes(), {chain}, {position.x, position.y, position.z});
        partial.store_in(Halide::MemoryType::Stack);
        total.vectorize(c, channel_lanes());
        total.update().reorder(c, all).vectorize(c, channel_lanes()).unroll(all);
    }

    ///     partial[row] = 0
    ///     for each part of the row
    ///       for row.z, row.y                          images, rows
    ///         partial[part] += grid                   a chain for each vector
    ///     for co                                      vectors of channels
    ///       for all                                   columns
    ///         total[vector] += partial
    ///       bias[vector] = total[vector]
    void schedule_rows() {
        keep_on_stack(partial.compute_root(), elements());
        partial.vectorize(e, lanes_within(elements(), natural_lanes_));
        for (size_t i = 0; i < parts.size(); i++) {
            const auto &[row, count, lanes] = parts[i];
            Halide::Stage part = partial.update(static_cast<int>(i)).vectorize(row.x, lanes);
            if (count <= chains * lanes) part.unroll(row.x);  // as many chains as are of use; more stay a loop
        }
        total.update().reorder(c, all).vectorize(c, channel_lanes());
    }
};

}  // namespace castnet

// What layers without weights share: they make one grid from another, channel by channel, and send its gradient back.
#pragma once

#include "grid_pass.h"
#include "register_tile.h"

namespace castnet {

/// A map of grids and its adjoint:
/// forward        to = map(from), the layer's input and output;
/// backward_data  to = mapᵀ(from) · activation'(z) of gradients; activation is the previous layer's, which keeps `output`(c, x, y, n).
template <typename Derived>
class GridMap : public GridPass<BilinearMap<Derived>> {
public:
    Halide::GeneratorInput<Halide::Buffer<Element, 4>> from{"from"};

    void configure() {
        to_ = this->template add_output<Halide::Buffer<Element, 4>>("to");
        this->add_output_kept();
    }

protected:
    using Base = GridPass<BilinearMap<Derived>>;
    using Base::c, Base::x, Base::y, Base::n, Base::epilogue, Base::pass;
    Halide::Func mapped{"mapped"};  // (c, x, y, n): map(from) or mapᵀ(from)

    // The algorithm's end, on grids of these shapes.
    void finish(const std::vector<int> &from_shape, const std::vector<int> &to_shape) {
        if (pass == Pass::backward_data) {
            this->define_gradient_epilogue(mapped, to_shape);
        } else {
            epilogue = activate(activation_of("linear"), mapped, to_shape[0]);
        }
        *to_ = epilogue.out;
        fix_shape(from, from_shape);
        fix_shape(*to_, to_shape);
        shape_ = to_shape;
    }

    // The schedule, vector by vector along the channels, or along the columns where channels are few:
    //
    //     for n, y, x, vector of c  (or n, y, c, vector of x):
    //       mapped: the taps, unrolled if they are few
    //       out
    //
    // Softmax sums over a pixel's channels, so that there `mapped` of a whole pixel, or row, comes first.
    void schedule_grid(const Halide::RDom &taps) {
        const Halide::Var vector("vector");
        const bool by = by_channel(shape_);
        const int lanes = lanes_of(shape_);
        epilogue.out.bound(c, 0, shape_[0]).bound(x, 0, shape_[1]).bound(y, 0, shape_[2]);
        epilogue.out.split(by ? c : x, vector, by ? c : x, lanes).vectorize(by ? c : x);
        if (!by) epilogue.out.reorder(x, vector, c, y, n);
        const Halide::LoopLevel level(epilogue.out, epilogue.reductions.empty() ? vector : by ? x : y);
        for (Halide::Func &stage : epilogue.reductions) stage.compute_at(level);
        mapped.compute_at(level);
        keep_on_stack(mapped, int64_t{shape_[0]} * shape_[1]);
        along_lanes(mapped, shape_);
        if (taps.defined()) schedule_taps(mapped, taps, shape_);
    }

    /// Vectorizes a stage on a grid of `shape`.
    void along_lanes(Halide::Stage stage, const std::vector<int> &shape) const {
        stage.vectorize(by_channel(shape) ? c : x, lanes_of(shape), Halide::TailStrategy::GuardWithIf);
    }

    /// Vectorizes the update of a stage on a grid of `shape`: each vector takes all taps.
    void schedule_taps(Halide::Func &stage, const Halide::RDom &taps, const std::vector<int> &shape) const {
        const Halide::Var vector("vector");
        const bool by = by_channel(shape);
        Halide::Stage update = stage.update();
        update.split(by ? c : x, vector, by ? c : x, lanes_of(shape), Halide::TailStrategy::GuardWithIf).vectorize(by ? c : x);
        update.reorder({by ? c : x, taps.x, taps.y, vector, by ? x : c, y, n});
        if (is_short(taps)) update.unroll(taps.x).unroll(taps.y);
    }

    /// Whether taps are so few that unrolling saves more than the longer code costs.
    static bool is_short(const Halide::RDom &taps) {
        const auto count = [](const Halide::RVar &tap) { return *Halide::Internal::as_const_int(tap.extent()); };
        return count(taps.x) * count(taps.y) <= 16;
    }

    /// Whether vectors run along the channels: where these fill half a vector, or are more than the columns. Vectors along the columns
    /// would have to collect their elements.
    [[nodiscard]] bool by_channel(const std::vector<int> &shape) const {
        return 2 * shape[0] >= this->natural_lanes() || shape[0] >= shape[1];
    }

private:
    Halide::GeneratorOutput<Halide::Buffer<Element, 4>> *to_ = nullptr;
    std::vector<int> shape_;

    [[nodiscard]] int lanes_of(const std::vector<int> &shape) const {
        return lanes_within(shape[by_channel(shape) ? 0 : 1], this->natural_lanes());
    }
};

}  // namespace castnet

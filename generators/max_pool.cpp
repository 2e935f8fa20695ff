// max_pool: the largest number of each window, and its gradient, which goes to the first of equal ones, row by row, as in Keras.
#include "grid_map.h"

namespace castnet {

class MaxPool : public GridMap<MaxPool> {
public:
    void configure() {
        GridMap::configure();
        if (pass == Pass::backward_data) input_ = add_input<Buffer<Element, 4>>("input");
    }

    void generate() {
        if (pass == Pass::forward) {
            window = RDom(0, kernel_width, 0, kernel_height);
            mapped(c, x, y, n) = element_type().min();
            mapped(c, x, y, n) = max(mapped(c, x, y, n), from(c, column(x), row(y), n));
            finish(large_shape(), small_shape());
        } else {
            define_winner();
            define_gradient();
            fix_shape(*input_, large_shape());
            finish(small_shape(), large_shape());
        }
    }

    // In the backward pass each image begins with the winners of all of its windows. Where windows tile the grid, a window's winners stay
    // in registers instead, and its cells follow at once.
    void schedule() {
        if (pass == Pass::forward) {
            schedule_grid(window);
        } else if (windows_tile() && by_channel(large_shape()) && epilogue.reductions.empty()) {
            schedule_windows();
        } else {
            schedule_grid(windows);
            winner.compute_at(epilogue.out, n).bound(c, 0, small_channels);
            keep_on_stack(winner, int64_t{2} * small_channels * small_width * small_height);
            along_lanes(winner, small_shape());
            schedule_taps(winner, window, small_shape());
        }
    }

private:
    Halide::GeneratorInput<Buffer<Element, 4>> *input_ = nullptr;
    Func winner{"winner"};  // (c, x, y, n): the index of a window's first largest number, row by row, and the number
    RDom window, windows;   // the cells of a window, and the windows of a cell

    // A cell of a window; a neighbour inside where it lies outside.
    Expr column(const Expr &o) const { return clamp(o * stride_x - pad_x + window.x, 0, large_width - 1); }
    Expr row(const Expr &o) const { return clamp(o * stride_y - pad_y + window.y, 0, large_height - 1); }

    void define_winner() {
        window = RDom(0, kernel_width, 0, kernel_height);
        const Expr is_inside = column(x) == x * stride_x - pad_x + window.x && row(y) == y * stride_y - pad_y + window.y;
        winner(c, x, y, n) = Tuple(0, element_type().min());
        const Expr value = (*input_)(c, column(x), row(y), n), is_larger = is_inside && value > winner(c, x, y, n)[1];
        winner(c, x, y, n) = Tuple(select(is_larger, window.y * kernel_width + window.x, winner(c, x, y, n)[0]),
                                   select(is_larger, value, winner(c, x, y, n)[1]));
    }

    // Whether windows lie side by side from the first cell on, and are small enough to be unrolled.
    bool windows_tile() const {
        return pad_x == 0 && pad_y == 0 && kernel_width == int(stride_x) && kernel_height == int(stride_y) && is_short(window);
    }

    // for n, y, x of the windows, vector of c: winner; its cells, unrolled.
    void schedule_windows() {
        const Var cell_x("cell_x"), cell_y("cell_y"), vector("vector");
        const int lanes = lanes_within(large_channels, natural_lanes());
        epilogue.out.bound(c, 0, large_channels).bound(x, 0, large_width).bound(y, 0, large_height);
        epilogue.out.split(x, x, cell_x, stride_x, TailStrategy::GuardWithIf).split(y, y, cell_y, stride_y, TailStrategy::GuardWithIf);
        epilogue.out.split(c, vector, c, lanes).reorder(c, cell_x, cell_y, vector, x, y, n).vectorize(c).unroll(cell_x).unroll(cell_y);
        mapped.compute_at(epilogue.out, cell_x).vectorize(c).update().vectorize(c).unroll(windows.x).unroll(windows.y);
        winner.compute_at(epilogue.out, vector).store_in(MemoryType::Register).vectorize(c);
        winner.update().reorder({c, window.x, window.y}).vectorize(c).unroll(window.x).unroll(window.y);
    }

    /// A cell gets the gradients of the windows that it wins.
    void define_gradient() {
        windows = RDom(0, ceil_div(kernel_width, stride_x), 0, ceil_div(kernel_height, stride_y));
        const Expr ox = (x + pad_x) / stride_x - windows.x, oy = (y + pad_y) / stride_y - windows.y;
        const Expr kx = x + pad_x - ox * stride_x, ky = y + pad_y - oy * stride_y;
        const Expr is_there = ox >= 0 && ox < small_width && oy >= 0 && oy < small_height && kx < kernel_width && ky < kernel_height;
        const Expr column = clamp(ox, 0, small_width - 1), row = clamp(oy, 0, small_height - 1);
        const Expr wins = is_there && winner(c, column, row, n)[0] == ky * kernel_width + kx;
        mapped(c, x, y, n) = element(0);
        mapped(c, x, y, n) += select(wins, from(c, column, row, n), element(0));
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::MaxPool, max_pool)

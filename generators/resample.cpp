// resample: layers that are linear maps with fixed coefficients, average pooling and upsampling:
//
//     small(o) = Σ_i large(i) · weight(i, o)     average pooling, and the gradient of an upsampling
//     large(i) = Σ_o small(o) · weight(i, o)     upsampling, and the gradient of an average pooling
//
// where a weight is that of the row times that of the column.
#include "grid_map.h"

namespace castnet {

enum class Map { average, nearest, bilinear };

/// The coefficients of one dimension.
struct Axis {
    Map map;
    int large, small, window, stride, pad;

    // The first index that may have a weight, and how many follow.
    [[nodiscard]] Halide::Expr first_large(const Halide::Expr &o) const { return o * stride - (map == Map::bilinear ? stride / 2 : pad); }
    [[nodiscard]] int count_large() const { return map == Map::bilinear ? 2 * stride : window; }
    [[nodiscard]] Halide::Expr first_small(const Halide::Expr &i) const {
        // Halide rounds quotients down.
        return map == Map::bilinear ? (2 * i + 1 - stride) / (2 * stride) : (i + pad - window) / stride + 1;
    }
    [[nodiscard]] int count_small() const { return map == Map::bilinear ? 2 : ceil_div(window, stride); }

    /// The weight between two cells, 0 outside the grids. The mean of a window counts the cells inside the grid, as Keras's does. Cells of
    /// an upsampling have their centres at (i + 1/2) / stride, and those beyond the outer centres take the outer cells' values: Keras's
    /// UpSampling2D, PyTorch's align_corners=False.
    [[nodiscard]] Halide::Expr weight(const Halide::Expr &i, const Halide::Expr &o) const {
        const Halide::Expr inside = i >= 0 && i < large && o >= 0 && o < small;
        if (map == Map::bilinear) {
            // Both in units of half a cell of the large grid, so that no digits cancel: the distance of the centres, and that of two cells.
            const int unit = 2 * stride;
            const Halide::Expr centre = clamp(2 * i + 1 - stride, 0, unit * (small - 1)), distance = abs(centre - unit * o);
            return select(inside, cast(element_type(), max(0, unit - cast<int>(distance))) / element(unit), element(0));
        }
        const Halide::Expr begin = o * stride - pad, end = begin + window;
        const Halide::Expr cells = map == Map::average ? min(end, large) - max(begin, 0) : Halide::Expr(1);
        return select(inside && i >= begin && i < end, element(1) / cast(element_type(), cells), element(0));
    }
};

class Resample : public GridMap<Resample> {
public:
    GeneratorParam<Map> map{"map", Map::average, {{"average", Map::average}, {"nearest", Map::nearest}, {"bilinear", Map::bilinear}}};

    void generate() {
        r = RDom(0, count(columns()), 0, count(rows()));
        row_weight(y, k) = weight(rows(), y, k);
        column_weight(x, k) = weight(columns(), x, k);
        mapped(c, x, y, n) = element(0);
        mapped(c, x, y, n) += row_weight(y, r.y) * column_weight(x, r.x) * from(c, index(columns(), x, r.x), index(rows(), y, r.y), n);
        finish(makes_small() ? large_shape() : small_shape(), makes_small() ? small_shape() : large_shape());
    }

    void schedule() {
        schedule_grid(r);
        for (Func weights : {row_weight, column_weight}) weights.compute_root();
    }

private:
    const Var k{"k"};
    Func row_weight{"row_weight"}, column_weight{"column_weight"};  // (index of `to`, the index of `from` counted from its first)
    RDom r;

    Axis rows() const { return {map, large_height, small_height, kernel_height, stride_y, pad_y}; }
    Axis columns() const { return {map, large_width, small_width, kernel_width, stride_x, pad_x}; }
    bool makes_small() const { return (pass == Pass::forward) == (map == Map::average); }
    int count(const Axis &axis) const { return makes_small() ? axis.count_large() : axis.count_small(); }
    Expr first(const Axis &axis, const Expr &to_index) const {
        return makes_small() ? axis.first_large(to_index) : axis.first_small(to_index);
    }
    Expr weight(const Axis &axis, const Expr &to_index, const Expr &k_) const {
        const Expr other = first(axis, to_index) + k_;
        return makes_small() ? axis.weight(other, to_index) : axis.weight(to_index, other);
    }
    Expr index(const Axis &axis, const Expr &to_index, const Expr &k_) const {
        return clamp(first(axis, to_index) + k_, 0, (makes_small() ? axis.large : axis.small) - 1);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Resample, resample)

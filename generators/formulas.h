// The contractions as their formulas, which say nothing of the order of the work: what Halide's autoschedulers start from. The generators'
// own algorithms are cut to their schedules instead.
#pragma once

#include "Halide.h"
#include "element.h"
#include "register_tile.h"

namespace castnet {

template <typename Grid>
Halide::Func with_zeros_around(const Grid &grid, int channels, int width, int height) {
    return Halide::BoundaryConditions::constant_exterior(grid, element(0), {{0, channels}, {0, width}, {0, height}, {}});
}

/// small(c, x, y, n) of correlate, without its epilogue.
template <typename Map>
Halide::Expr correlation(const Map &map, const Halide::Var &c, const Halide::Var &x, const Halide::Var &y, const Halide::Var &n) {
    const Halide::Func large = with_zeros_around(map.large, map.large_channels, map.large_width, map.large_height);
    const Halide::RDom r(0, map.large_channels, 0, map.kernel_width, 0, map.kernel_height);
    const Halide::Expr column = x * map.stride_x + r.y - map.pad_x, row = y * map.stride_y + r.z - map.pad_y;
    return sum(r, map.kernel(c, r.x, r.y, r.z) * large(r.x, column, row, n));
}

/// large(c, x, y, n) of spread, without its epilogue: tap r.y of a column is the kernel's column first_x + stride_x · r.y, as far as the
/// kernel has it.
template <typename Map>
Halide::Expr spreading(const Map &map, const Halide::Var &c, const Halide::Var &x, const Halide::Var &y, const Halide::Var &n) {
    const Halide::Func small = with_zeros_around(map.small, map.small_channels, map.small_width, map.small_height);
    const Halide::RDom r(0, map.small_channels, 0, ceil_div(map.kernel_width, map.stride_x), 0, ceil_div(map.kernel_height, map.stride_y));
    const Halide::Expr kx = (x + map.pad_x) % map.stride_x + map.stride_x * r.y, ky = (y + map.pad_y) % map.stride_y + map.stride_y * r.z;
    const Halide::Expr column = (x + map.pad_x) / map.stride_x - r.y, row = (y + map.pad_y) / map.stride_y - r.z;
    const Halide::Expr weight = map.kernel(c, r.x, clamp(kx, 0, map.kernel_width - 1), clamp(ky, 0, map.kernel_height - 1));
    return sum(r, select(kx < map.kernel_width && ky < map.kernel_height, weight, element(0)) * small(r.x, column, row, n));
}

/// gradient(sc, lc, kx, ky) of kernel_gradient, without the penalty.
template <typename Map>
Halide::Expr correlation_of_grids(const Map &map, const Halide::Var &sc, const Halide::Var &lc, const Halide::Var &kx,
                                  const Halide::Var &ky) {
    const Halide::Func large = with_zeros_around(map.large, map.large_channels, map.large_width, map.large_height);
    const Halide::RDom r(0, map.small_width, 0, map.small_height, 0, map.small.dim(3).extent());
    const Halide::Expr column = r.x * map.stride_x + kx - map.pad_x, row = r.y * map.stride_y + ky - map.pad_y;
    return sum(r, map.small(sc, r.x, r.y, r.z) * large(lc, column, row, r.z));
}

/// bias_gradient(c) of kernel_gradient.
template <typename Grid>
Halide::Expr sum_of_channel(const Grid &grid, const Halide::Var &c, int width, int height, const Halide::Expr &images) {
    const Halide::RDom r(0, width, 0, height, 0, images);
    return sum(r, grid(c, r.x, r.y, r.z));
}

}  // namespace castnet

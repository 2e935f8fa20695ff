// A convolution is a bilinear map between a large grid (its input) and a small grid (its output) with a kernel:
//
//     small(sc, x, y) = Σ_{lc, kx, ky}  large(lc, x·stride_x + kx - pad_x, y·stride_y + ky - pad_y) · kernel(sc, lc, kx, ky)
//
// conv2d maps large to small, conv2d_transpose is the exact adjoint. Keras stores both kernels as (ky, kx, lc, sc) in C order, which
// is (sc, lc, kx, ky) in Halide's. Grids are (channel, x, y, image), dense; only the number of images is free.
#pragma once

#include "Halide.h"
#include "element.h"
#include "padding.h"
#include "schedule.h"
#include "stack.h"
#include "winograd.h"

namespace castnet {

/// One grid, a kernel or any other dense operand: fixes every bound and stride but the extent of the last dimension when that is 0.
template <typename Operand>
void fix_shape(Operand &operand, const std::vector<int> &extents, int images_estimate = 4) {
    int stride = 1;
    Halide::Region estimates;
    for (size_t d = 0; d < extents.size(); d++) {
        auto dimension = operand.dim(static_cast<int>(d));
        dimension.set_stride(stride);
        dimension.set_min(0);
        if (extents[d] > 0) {
            dimension.set_extent(extents[d]);
            estimates.emplace_back(0, extents[d]);
        } else {
            estimates.emplace_back(0, images_estimate);
        }
        stride *= extents[d];
    }
    operand.set_estimates(estimates);
}

/// The geometry of the bilinear map above, as parameters.
template <typename Derived>
class BilinearMap : public Halide::Generator<Derived> {
public:
    template <typename T>
    using Param = Halide::GeneratorParam<T>;

    Param<int> large_width{"large_width", 1, 1, 1 << 20};
    Param<int> large_height{"large_height", 1, 1, 1 << 20};
    Param<int> large_channels{"large_channels", 1, 1, 1 << 20};
    Param<int> small_width{"small_width", 1, 1, 1 << 20};
    Param<int> small_height{"small_height", 1, 1, 1 << 20};
    Param<int> small_channels{"small_channels", 1, 1, 1 << 20};
    Param<int> kernel_width{"kernel_width", 1, 1, 1 << 20};
    Param<int> kernel_height{"kernel_height", 1, 1, 1 << 20};
    Param<int> stride_x{"stride_x", 1, 1, 1 << 20};
    Param<int> stride_y{"stride_y", 1, 1, 1 << 20};
    Param<int> pad_x{"pad_x", 0, 0, 1 << 20};
    Param<int> pad_y{"pad_y", 0, 0, 1 << 20};

protected:
    std::vector<int> large_shape() const { return {large_channels, large_width, large_height, 0}; }
    std::vector<int> small_shape() const { return {small_channels, small_width, small_height, 0}; }

    /// Extent of the large grid, zeros included, that the small grid's windows read.
    int window_width() const { return (small_width - 1) * stride_x + kernel_width; }
    int window_height() const { return (small_height - 1) * stride_y + kernel_height; }

    /// The zeros around the large grid that the windows read.
    Margins large_margins() const {
        return {.left = pad_x,
                .right = std::max(0, window_width() - pad_x - large_width),
                .top = pad_y,
                .bottom = std::max(0, window_height() - pad_y - large_height)};
    }
    bool pads_columns() const { return large_margins().skipping(false, true).any(); }
    bool pads_rows() const { return large_margins().skipping(true, false).any(); }

    /// Restricts the reduction to where 0 <= index < extent, if it is to skip the rest. Returns the index, and tells
    /// Halide its bounds: where the reduction runs it never leaves them.
    static Halide::Expr skip_outside(Halide::RDom &r, const Halide::Expr &index, int extent, bool skips) {
        if (!skips) return index;
        r.where(index >= 0 && index < extent);
        return unsafe_promise_clamped(index, 0, extent - 1);
    }

    int natural_lanes() const { return this->natural_vector_size(element_type()); }
};

/// What the three contractions share: the choices of their schedules (schedule.h), 0 or empty where the shapes decide.
template <typename Derived>
class Contraction : public BilinearMap<Derived>, public Tunable {
protected:
    template <typename T>
    using Param = Halide::GeneratorParam<T>;

    Param<std::string> tile_text{"tile", ""};  // accumulators in registers: vectors x three kinds of points, RegisterTile::text()
    Param<int> unroll{"unroll", 0, 0, 64};     // steps of the innermost reduction side by side
    Param<int> block{"block", 0, 0, 1 << 20};  // rows that stay in the cache while the tiles of the other loops pass over them
    Param<PaddingChoice> padding_choice{"padding", PaddingChoice::automatic, padding_names()};

    /// Refuses a choice that the method does not have.
    void refuse_what_is_ignored(const Method &method) const {
        const std::map<std::string, bool> made{
            {"block", block > 0}, {"padding", padding_choice != PaddingChoice::automatic}, {"unroll", unroll > 0}};
        for (const auto &[choice, is_made] : made) {
            if (is_made && std::ranges::find(method.choices, choice, &Choice::name) == method.choices.end())
                refuse(choice + " is no choice of method=" + method.name);
        }
    }

    /// The tiles for a reduction of so many steps, the likely best first.
    std::vector<RegisterTile> register_tiles(int extent, int lanes, const std::array<int, 3> &points, int64_t steps) const {
        return rank_register_tiles(extent, lanes, points, accumulator_budget(this->get_target()), steps);
    }

    /// Whether to leave products with zeros out, which the shapes decide by `computed`.
    bool skips(bool computed) const {
        return padding_choice == PaddingChoice::automatic ? computed : padding_choice == PaddingChoice::skip;
    }

    /// Takes steps of the reduction along `channels` of the update side by side, so that they share the loop's own instructions: `unroll`,
    /// or `computed` where they divide the channels.
    void unroll_channels(Halide::Func &sum, const Halide::RVar &channel, int channels, int computed) const {
        const int steps = unroll > 0 ? int(unroll) : channels % computed == 0 ? computed : 1;
        if (channels % steps != 0) refuse("unroll=" + std::to_string(steps) + " does not divide the channels");
        if (steps > 1) sum.update().unroll(channel, steps);
    }

    // Winograd's products (winograd.h).

    winograd::Form winograd_form() const { return {ceil_div(this->kernel_width, this->stride_x), this->stride_x, this->stride_y}; }

    /// Whether they are worth a trial. A group's transformed kernel and a row of tiles must fit on the stack.
    [[nodiscard]] bool can_be_winograd() const {
        const winograd::Form form = winograd_form();
        if (form.taps < 2 || form.taps > 3 || ceil_div(this->kernel_height, this->stride_y) != form.taps) return false;
        const int least_extent =
            std::min({int(this->small_width), int(this->small_height), int(this->large_width), int(this->large_height)});
        const int most_channels = std::max<int>(this->small_channels, this->large_channels),
                  columns = form.tiles(std::max<int>(this->small_width, ceil_div(this->large_width, this->stride_x)));
        const int group = std::min(form.group(this->large_channels, this->small_channels, this->natural_lanes()),
                                   form.group(this->small_channels, this->large_channels, this->natural_lanes()));
        return group > 0 && least_extent > 1 && fewest_channels() >= this->natural_lanes() &&
               winograd::size(form.phases() * most_channels, columns, 1) <= most_on_stack;
    }
    void require_winograd() const {
        if (!can_be_winograd())
            refuse("method=winograd takes 2 or 3 taps along both axes of each phase, and channels that fill a vector but not the stack");
    }

    /// From 32 channels on the fewer products outweigh the transforms, where they are fewer by half a time or more: direct forms leave out
    /// taps on padding, and a last row or column of tiles may make more outputs than there are. 1.4 to 1.9 times as fast on the shapes of
    /// 3x3 kernels that were measured, 1.15 to 1.85 on those of 4x4 with a stride of 2 (amd-25-17). With 9 or 16 phases the transformed
    /// kernel leaves the second-level cache, and a spread took 1.1 to 1.9 times as long.
    [[nodiscard]] bool is_winograd_by_default() const {
        constexpr int most_phases = 4;
        if (!can_be_winograd() || fewest_channels() < 32 || winograd_form().phases() > most_phases) return false;
        const int64_t direct = int64_t{taps_inside(this->small_width, this->large_width, this->kernel_width, this->stride_x, this->pad_x)} *
                               taps_inside(this->small_height, this->large_height, this->kernel_height, this->stride_y, this->pad_y);
        const winograd::Form form = winograd_form();
        const int64_t tiles = int64_t{form.tiles(this->small_width)} * form.tiles(this->small_height);
        return 2 * direct >= 3 * tiles * form.kernel_size(1, 1);
    }

    Choice padding_values() const {
        return {"padding", this->large_margins().any() ? std::vector<std::string>{"automatic", "skip", "stage"}
                                                       : std::vector<std::string>{"automatic"}};
    }

private:
    /// The taps of a row of windows that do not lie on padding.
    static int taps_inside(int windows, int extent, int kernel, int stride, int pad) {
        int taps = 0;
        for (int window = 0; window < windows; window++) {
            const int first = window * stride - pad;
            taps += std::max(0, std::min(first + kernel, extent) - std::max(first, 0));
        }
        return taps;
    }

    int fewest_channels() const { return std::min<int>(this->small_channels, this->large_channels); }
};

}  // namespace castnet

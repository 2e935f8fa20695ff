#include "generators/language/layer.h"

#include <fmt/format.h>

#include <utility>

#include "train/files/error.h"

namespace castnet {
namespace {

/// Returns what is wrong when output_extent() returns 0. `what` is the height or the width.
std::string misfit(LayerKind kind, const char *what, const Window &window, int input, int wanted) {
    if (kind != LayerKind::conv2d_transpose) {
        const int most = input + window.before + window.after;
        return fmt::format("the {}'s {} {} is larger than the input's {}; it may be at most {} here", has_weights(kind) ? "kernel" : "pool",
                           what, window.kernel, most, most);
    }
    if (wanted > 0 && window.most_large_extent(input) > 0)
        return fmt::format("the output's {} cannot be {}; of {} it can be {} to {} here", what, wanted, input,
                           window.least_large_extent(input), window.most_large_extent(input));
    return fmt::format("the padding leaves nothing of the output's {}; it may be {} in all here", what,
                       (input - 1) * window.stride + window.kernel - 1);
}

/// Returns the output's rows or columns. Throws Error.
int checked_extent(LayerKind kind, const char *what, const Window &window, int input, int wanted) {
    constexpr int most_cells = 9999;
    const int extent = output_extent(kind, window, input, wanted);
    if (extent == 0) throw Error(misfit(kind, what, window, input, wanted));
    if (extent > most_cells) throw Error(fmt::format("the output's {} would be {}; it may be at most {}", what, extent, most_cells));
    return extent;
}

}  // namespace

int output_extent(LayerKind kind, const Window &window, int input, int wanted) {
    if (kind == LayerKind::dropout) return input;
    if (kind == LayerKind::upsample) return input * window.stride;
    if (kind != LayerKind::conv2d_transpose) return window.small_extent(input);
    const int extent = wanted > 0 ? wanted : window.large_extent(input);
    return extent >= window.least_large_extent(input) && extent <= window.most_large_extent(input) ? extent : 0;
}

Layer place(LayerStatement statement, const Shape &input) {
    if (statement.kind == LayerKind::dense) {
        statement.y.kernel = input.height;
        statement.x.kernel = input.width;
    }
    if (!has_weights(statement.kind)) statement.filters = input.channels;
    const Shape wanted = statement.output.value_or(Shape{});
    const Shape output{checked_extent(statement.kind, "height", statement.y, input.height, wanted.height),
                       checked_extent(statement.kind, "width", statement.x, input.width, wanted.width), statement.filters};
    return {.statement = std::move(statement), .name = {}, .input = input, .output = output, .canonical = {}};
}

namespace {

/// Whether the padding `mode` gives the window these two grids, and as many zeros before.
bool places_alike(LayerKind kind, Window window, PaddingMode mode, int large, int small) {
    const int zeros = window.zeros_before(large, small);
    window.padding = mode;
    window.before = window.after = 0;
    const bool fits = kind == LayerKind::conv2d_transpose ? window.large_extent(small) == large : window.small_extent(large) == small;
    return fits && window.zeros_before(large, small) == zeros;
}

std::string canonical_padding(const Layer &layer) {
    const LayerStatement &statement = layer.statement;
    const Geometry geometry = layer.description().own_geometry();
    const auto is = [&](PaddingMode mode) {
        return places_alike(statement.kind, statement.y, mode, geometry.large.height, geometry.small.height) &&
               places_alike(statement.kind, statement.x, mode, geometry.large.width, geometry.small.width);
    };
    if (is(PaddingMode::valid)) return "valid";
    if (is(PaddingMode::same)) return "same";
    const std::string output =
        statement.kind == LayerKind::conv2d_transpose ? fmt::format(" output={}x{}", layer.output.height, layer.output.width) : "";
    switch (statement.y.padding) {
    case PaddingMode::valid:
        return "valid" + output;
    case PaddingMode::same:
        return "same" + output;
    default:
        break;
    }
    return fmt::format("{},{},{},{}{}", statement.y.before, statement.y.after, statement.x.before, statement.x.after, output);
}

}  // namespace

std::string canonical_text(const Layer &layer, const Shape &before) {
    const LayerDescription geometry = layer.description();
    const LayerStatement &statement = layer.statement;
    const std::string rest = fmt::format("activation={} l2={}{} name={}", geometry.activation, statement.l2,
                                         statement.trainable ? "" : " trainable=false", layer.name);
    const Shape &from = layer.input;
    const std::string reshaped = from == before ? "" : fmt::format(" from={}x{}x{}", from.height, from.width, from.channels);
    const std::string kind(name_of(geometry.kind)), stride = fmt::format("{}x{}", geometry.stride_y, geometry.stride_x);
    switch (geometry.kind) {
    case LayerKind::dense:
        return fmt::format("{} units={} {}", kind, geometry.output.channels, rest);
    case LayerKind::max_pool:
    case LayerKind::average_pool:
        return fmt::format("{} pool={}x{} stride={} padding={}{}", kind, geometry.kernel_height, geometry.kernel_width, stride,
                           canonical_padding(layer), reshaped);
    case LayerKind::upsample:
        return fmt::format("{} size={} interpolation={}{}", kind, stride, statement.interpolation, reshaped);
    case LayerKind::dropout:
        return fmt::format("{} rate={}", kind, statement.rate);
    default:
        return fmt::format("{} filters={} kernel={}x{} stride={} padding={} {}{}", kind, geometry.output.channels, geometry.kernel_height,
                           geometry.kernel_width, stride, canonical_padding(layer), rest, reshaped);
    }
}

LayerDescription Layer::description() const {
    LayerDescription layer{.name = name,
                           .text = statement.text,
                           .canonical = canonical,
                           .kind = statement.kind,
                           .input = input,
                           .output = output,
                           .kernel_height = statement.y.kernel,
                           .kernel_width = statement.x.kernel,
                           .stride_y = statement.y.stride,
                           .stride_x = statement.x.stride,
                           .activation = statement.activation,
                           .interpolation = statement.kind == LayerKind::upsample ? statement.interpolation : std::string_view(),
                           .rate = statement.rate,
                           .l2 = statement.trainable ? statement.l2 : 0,
                           .trainable = statement.trainable,
                           .keeps_sums = keeps_sums,
                           .is_taken_in = is_taken_in,
                           .upsampled_y = upsampled_y,
                           .upsampled_x = upsampled_x};
    const Geometry own = layer.own_geometry();
    layer.pad_y = statement.y.zeros_before(own.large.height, own.small.height);
    layer.pad_x = statement.x.zeros_before(own.large.width, own.small.width);
    return layer;
}

}  // namespace castnet

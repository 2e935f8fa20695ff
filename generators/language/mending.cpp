#include "generators/language/mending.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>
#include <vector>

namespace castnet {
namespace {

std::string pair(int rows, int columns) {
    return rows == columns ? std::to_string(rows) : fmt::format("{}x{}", rows, columns);
}

/// Returns whether the statement makes the rows and columns of `wanted` from those of `input`.
bool makes(const LayerStatement &statement, const Shape &input, const Shape &wanted) {
    const Shape output = statement.output.value_or(Shape{});
    return output_extent(statement.kind, statement.y, input.height, output.height) == wanted.height &&
           output_extent(statement.kind, statement.x, input.width, output.width) == wanted.width;
}

/// Returns the output= that makes `wanted` from `input`, if the statement allows it.
std::optional<std::string> change_output(LayerStatement statement, const Shape &input, const Shape &wanted) {
    statement.output = wanted;
    if (statement.kind != LayerKind::conv2d_transpose || !makes(statement, input, wanted)) return std::nullopt;
    return fmt::format("output={}x{}", wanted.height, wanted.width);
}

/// Returns the nearest value of the member that makes `wanted` from `input`; 0 if none is near.
int nearest(LayerKind kind, Window window, int Window::*member, int input, int wanted) {
    constexpr int most_distance = 16;
    const int value = window.*member;
    for (int distance = 0; distance <= most_distance; distance++) {
        for (const int other : {value - distance, value + distance}) {
            window.*member = other;
            if (other > 0 && output_extent(kind, window, input, 0) == wanted) return other;
        }
    }
    return 0;
}

/// Returns the nearest kernel or stride that makes `wanted` from `input`.
std::optional<std::string> change_windows(const LayerStatement &statement, const char *key, int Window::*member, const Shape &input,
                                          const Shape &wanted) {
    const int rows = nearest(statement.kind, statement.y, member, input.height, wanted.height);
    const int columns = nearest(statement.kind, statement.x, member, input.width, wanted.width);
    if (statement.output || rows == 0 || columns == 0) return std::nullopt;
    return fmt::format("{}={}", key, pair(rows, columns));
}

std::optional<std::string> change_padding(LayerStatement statement, const Shape &input, const Shape &wanted) {
    for (const auto &[mode, name] : {std::pair{PaddingMode::same, "same"}, std::pair{PaddingMode::valid, "valid"}}) {
        statement.y = {statement.y.kernel, statement.y.stride, mode};
        statement.x = {statement.x.kernel, statement.x.stride, mode};
        if (makes(statement, input, wanted)) return fmt::format("padding={}", name);
    }
    return std::nullopt;
}

/// Returns the statement that makes `wanted` of as many numbers.
std::string reshape_to(const Shape &wanted) {
    return fmt::format("reshape {}x{}x{}", wanted.height, wanted.width, wanted.channels);
}

/// Returns one change of the last layer, and its filters if they differ; empty if none helps.
std::string mend_last(const Layer &last, const Shape &wanted) {
    const LayerStatement &statement = last.statement;
    if (!has_weights(statement.kind)) return "";
    std::string filters = statement.filters == wanted.channels ? "" : fmt::format("filters={}", wanted.channels);
    if (makes(statement, last.input, wanted)) return filters;
    std::optional<std::string> change = change_output(statement, last.input, wanted);
    if (!change) change = change_windows(statement, "kernel", &Window::kernel, last.input, wanted);
    if (!change) change = change_windows(statement, "stride", &Window::stride, last.input, wanted);
    if (!change) change = change_padding(statement, last.input, wanted);
    if (!change) return "";
    return filters.empty() ? *change : fmt::format("{} {}", filters, *change);
}

/// Returns whether a layer sees what stands above it in another shape.
bool is_reshaped(const Architecture &architecture) {
    Shape shape = architecture.input;
    for (const Layer &layer : architecture.layers) {
        if (layer.input != shape) return true;
        shape = layer.output;
    }
    return architecture.output != shape;
}

/// Returns an output= for each decoder layer that does not make the input of its counterpart in the encoder; empty if that fails.
std::string mend_all(const Architecture &architecture) {
    const std::size_t encoder = architecture.encoder_layers, count = architecture.layers.size();
    if (count != 2 * encoder || is_reshaped(architecture)) return "";
    std::vector<std::string> changes;
    Shape shape = architecture.layers[encoder - 1].output;
    for (std::size_t l = encoder; l < count; l++) {
        const LayerStatement &statement = architecture.layers[l].statement;
        const Shape &wanted = architecture.layers[count - 1 - l].input;
        if (!makes(statement, shape, wanted)) {
            const std::optional<std::string> change = change_output(statement, shape, wanted);
            if (!change) return "";
            changes.push_back(fmt::format("{} in line {}", *change, statement.line));
        }
        shape = wanted;
    }
    return architecture.layers.back().output.channels == architecture.input.channels ? fmt::format("{}", fmt::join(changes, ", ")) : "";
}

}  // namespace

std::string mending(const Architecture &architecture) {
    const Layer &last = architecture.layers.back();
    const Shape &wanted = architecture.input;
    const int line = last.statement.line;
    if (last.output.size() == wanted.size()) return fmt::format("{} below line {} would end there", reshape_to(wanted), line);
    if (last.statement.kind == LayerKind::dense) {
        const bool is_vector = wanted == Shape{1, 1, wanted.channels};
        return fmt::format("units={} in line {}{} would end there", wanted.size(), line,
                           is_vector ? "" : fmt::format(", and {} below it,", reshape_to(wanted)));
    }
    if (const std::string change = mend_last(last, wanted); !change.empty() && architecture.output == last.output)
        return fmt::format("{} in line {} would end there", change, line);
    const std::string changes = mend_all(architecture);
    return changes.empty() ? "" : fmt::format("write {}", changes);
}

}  // namespace castnet

#include "train/console/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "train/console/terminal.h"

namespace castnet {

std::string describe(const Shape &shape) {
    return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

namespace {

using Row = std::vector<std::string>;

std::string kibibytes(std::size_t bytes) {
    return fmt::format("{:.1f}", static_cast<double>(bytes) / 1024);
}

Row memory_row(const char *purpose, const ArenaLayout &layout) {
    const MemoryUse use = layout.memory();
    return {purpose,
            kibibytes(use.weights),
            kibibytes(use.gradients),
            kibibytes(use.optimizer),
            kibibytes(use.activations),
            kibibytes(layout.bytes())};
}

/// Formats the rows, the first of which holds the heads, as a list: each row's first cell, and below it the others with their heads.
std::string list(const std::vector<Row> &rows, std::size_t width) {
    std::string text = rows.front().front() + ":\n";
    for (std::size_t row = 1; row < rows.size(); row++) {
        Row pieces;
        for (std::size_t column = 1; column < rows[row].size(); column++)
            pieces.push_back(fmt::format("{}{} {}", column == 1 ? "  " : "", rows.front()[column], rows[row][column]));
        text += rows[row].front() + "\n" + wrapped(pieces, ", ", width) + "\n";
    }
    return text;
}

/// Formats the rows, the first of which holds the heads, as a table: the first `names` columns left-aligned, the others right-aligned.
/// Returns a list if the table is wider than `width`.
std::string table(const std::vector<Row> &rows, std::size_t names, std::size_t width) {
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row &row : rows) {
        for (std::size_t column = 0; column < row.size(); column++) widths[column] = std::max(widths[column], row[column].size());
    }
    std::size_t all = 2 * (widths.size() - 1);
    for (const std::size_t column : widths) all += column;
    if (all > width) return list(rows, width);
    const std::string rule(all, '-');
    std::string text = rule + "\n";
    for (const Row &row : rows) {
        for (std::size_t column = 0; column < row.size(); column++) {
            text += column == 0 ? "" : "  ";
            text +=
                column < names ? fmt::format("{:<{}}", row[column], widths[column]) : fmt::format("{:>{}}", row[column], widths[column]);
        }
        text += &row == &rows.front() ? "\n" + rule + "\n" : "\n";
    }
    return text + rule + "\n";
}

}  // namespace

std::string summary(const NetworkDescription &description, std::size_t width) {
    std::vector<Row> layers{{"Layer", "Kind", "Output", "Parameters", "Pipelines"}};
    for (const LayerDescription &layer : description.layers) {
        const auto pipelines =
            std::ranges::count(std::array{layer.forward != nullptr, layer.activate != nullptr, layer.backward_data != nullptr,
                                          layer.backward_weights != nullptr, layer.fold_gradient != nullptr,
                                          layer.stretch_kernel != nullptr, layer.transpose_kernel != nullptr},
                               true);
        layers.push_back({std::string(layer.name), std::string(name_of(layer.kind)), describe(layer.output),
                          std::to_string(layer.parameter_count()), std::to_string(pipelines)});
    }
    const std::vector<Row> memory{{"Memory in KiB, one thread", "weights", "gradients", "optimizer", "activations", "all"},
                                  memory_row("to train in batches of 32", ArenaLayout(description, 32, 1)),
                                  memory_row("to infer one by one", ArenaLayout(description, 1, 1, Purpose::inference))};
    const std::size_t count = description.parameter_count();
    return wrapped({fmt::format("Network {}:", description.name),
                    fmt::format("{} to code {}", describe(description.input), describe(description.code))},
                   " ", width) +
           "\n" + table(layers, 2, width) +
           fmt::format("Parameters: {} ({} KiB)\nLevel: {}\n", count, kibibytes(count * sizeof(float)), description.level) +
           table(memory, 1, width);
}

}  // namespace castnet

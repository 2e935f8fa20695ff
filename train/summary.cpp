#include "train/summary.h"

#include <fmt/format.h>

namespace castnet {

std::string describe(const Shape &shape) {
    return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

namespace {

double kibibytes(std::size_t bytes) {
    return static_cast<double>(bytes) / 1024;
}

std::string memory_row(const char *purpose, const ArenaLayout &layout) {
    const MemoryUse use = layout.memory();
    return fmt::format("{:<26}{:>11.1f}{:>11.1f}{:>11.1f}{:>13.1f}{:>11.1f}\n", purpose, kibibytes(use.weights), kibibytes(use.gradients),
                       kibibytes(use.optimizer), kibibytes(use.activations), kibibytes(layout.bytes()));
}

}  // namespace

std::string summary(const NetworkDescription &description) {
    const std::string rule(86, '-');
    std::string text =
        fmt::format("Network {}: {} to code {}\n{}\n", description.name, describe(description.input()), describe(description.code()), rule);
    text += fmt::format("{:<24}{:<18}{:>14}{:>14}  {}\n{}\n", "Layer", "Kind", "Output", "Parameters", "Pipelines", rule);
    for (const LayerDescription &layer : description.layers) {
        const int pipelines = 2 + (layer.backward_data != nullptr ? 1 : 0) + (layer.transpose_kernel != nullptr ? 1 : 0);
        text += fmt::format("{:<24}{:<18}{:>14}{:>14}  {}\n", layer.name, layer.kind == LayerKind::conv2d ? "conv2d" : "conv2d_transpose",
                            describe(layer.output), layer.parameter_count(), pipelines);
    }
    const std::size_t count = description.parameter_count();
    text += fmt::format("{}\nParameters: {} ({:.1f} KiB)\n", rule, count, kibibytes(count * sizeof(float)));
    text += fmt::format("{}\n{:<26}{:>11}{:>11}{:>11}{:>13}{:>11}\n", rule, "Memory in KiB, one thread", "weights", "gradients",
                        "optimizer", "activations", "all");
    text += memory_row("to train in batches of 32", ArenaLayout(description, 32, 1));
    return text + memory_row("to infer one by one", ArenaLayout(description, 1, 1, Purpose::inference));
}

}  // namespace castnet

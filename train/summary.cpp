#include "train/summary.h"

#include <fmt/format.h>

namespace castnet {

std::string describe(const Shape &shape) {
    return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

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
    const auto kibibytes = [&](Purpose purpose) { return static_cast<double>(ArenaLayout(description, 32, 1, purpose).bytes()) / 1024; };
    return text + fmt::format("{}\nParameters: {} ({:.1f} KiB)\nMemory at batch 32, one thread: {:.1f} KiB to train, {:.1f} KiB to infer\n",
                              rule, count, static_cast<double>(count * sizeof(float)) / 1024, kibibytes(Purpose::training),
                              kibibytes(Purpose::inference));
}

}  // namespace castnet

#include "generators/compiler/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "generators/compiler/compile.h"
#include "generators/language/pipelines.h"

namespace castnet {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Shape &shape) {
    return fmt::format("{}x{}x{}", shape.height, shape.width, shape.channels);
}

Json json_of(const Shape &shape) {
    return {shape.height, shape.width, shape.channels};
}

Json json_of(const ArenaLayout &layout) {
    const MemoryUse use = layout.memory();
    return {{"weights", use.weights},
            {"gradients", use.gradients},
            {"optimizer", use.optimizer},
            {"activations", use.activations},
            {"all", layout.bytes()}};
}

std::string text_of(const Schedule &schedule) {
    std::string text;
    for (const auto &[name, value] : schedule) text += fmt::format(" {}={}", name, value);
    return text.empty() ? " by the shapes" : text;
}

// The default batch of `train`.
constexpr int usual_batch = 32;

ArenaLayout training_layout(const NetworkDescription &network) {
    return {network, usual_batch, 1};
}
ArenaLayout inference_layout(const NetworkDescription &network) {
    return {network, 1, 1, Purpose::inference};
}

Json json_of(const Level &level, const TargetSchedules &schedules) {
    const auto names = [](const std::vector<std::filesystem::path> &paths) { return std::vector<std::string>(paths.begin(), paths.end()); };
    return {{"level", level_of(level.target)},
            {"kind", cpu_kind()},
            {"tables", names(schedules.files)},
            {"folders", names(schedules.folders)},
            {"measured", measured_table(level)}};
}

}  // namespace

std::string memory_line(const Architecture &architecture) {
    const auto kibibytes = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1024; };
    const std::vector<LayerDescription> layers = architecture.descriptions();
    const NetworkDescription network = architecture.description(layers);
    const ArenaLayout training = training_layout(network);
    const MemoryUse use = training.memory();
    return fmt::format(
        "to train in batches of {}, {:.1f} KiB: weights {:.1f}, gradients {:.1f}, optimizer {:.1f}, activations {:.1f}; to infer one by "
        "one, {:.1f} KiB",
        usual_batch, kibibytes(training.bytes()), kibibytes(use.weights), kibibytes(use.gradients), kibibytes(use.optimizer),
        kibibytes(use.activations), kibibytes(inference_layout(network).bytes()));
}

std::string describe(const Architecture &architecture, const ScheduleTable &schedules) {
    const std::vector<LayerDescription> layers = architecture.descriptions();
    const NetworkDescription network = architecture.description(layers);
    std::string text = fmt::format("network {}: {} to code {}, {} parameters, {} multiply-adds an image, {} to train\n\n",
                                   architecture.name, text_of(network.input), text_of(network.code), network.parameter_count(),
                                   network.forward_multiply_adds(), network.training_multiply_adds());
    text += fmt::format("{:<20} {:<17} {:>12} {:>11} {:>14}\n", "layer", "kind", "output", "parameters", "multiply-adds");
    for (const LayerDescription &layer : layers)
        text += fmt::format("{:<20} {:<17} {:>12} {:>11} {:>14}\n", layer.name, name_of(layer.kind), text_of(layer.output),
                            layer.parameter_count(), layer.multiply_adds());
    text += fmt::format("\n{}\n\n", memory_line(architecture));
    for (const PipelineRecipe &pipeline : pipelines_of(architecture)) {
        text += pipeline.function;
        if (!pipeline.key.empty()) text += fmt::format(": {}:{}", pipeline.key, text_of(schedule_of(schedules, pipeline)));
        text += "\n";
    }
    return text;
}

std::string describe_as_json(const Architecture &architecture, const Level &level, const TargetSchedules &schedules) {
    const std::vector<LayerDescription> descriptions = architecture.descriptions();
    const NetworkDescription network = architecture.description(descriptions);
    Json layers = Json::array(), pipelines = Json::array();
    for (std::size_t l = 0; l < descriptions.size(); l++) {
        const LayerDescription &layer = descriptions[l];
        layers.push_back({{"name", layer.name},
                          {"kind", name_of(layer.kind)},
                          {"part", l < architecture.encoder_layers ? "encoder" : "decoder"},
                          {"line", architecture.layers[l].statement.line},
                          {"text", layer.text},
                          {"input", json_of(layer.input)},
                          {"output", json_of(layer.output)},
                          {"kernel", {layer.kernel_height, layer.kernel_width}},
                          {"stride", {layer.stride_y, layer.stride_x}},
                          {"pad", {layer.pad_y, layer.pad_x}},
                          {"activation", layer.activation},
                          {"interpolation", layer.interpolation},
                          {"rate", layer.rate},
                          {"l2", layer.l2},
                          {"trainable", layer.trainable},
                          {"kernel_shape", layer.kernel_shape()},
                          {"parameters", layer.parameter_count()},
                          {"multiply_adds", layer.multiply_adds()}});
    }
    for (const PipelineRecipe &pipeline : pipelines_of(architecture)) {
        Json entry{{"function", pipeline.function},   {"layer", pipeline.layer},           {"pass", pipeline.pass},
                   {"generator", pipeline.generator}, {"parameters", pipeline.parameters}, {"key", pipeline.key}};
        if (!pipeline.key.empty()) entry["schedule"] = schedule_of(schedules.table, pipeline);
        pipelines.push_back(std::move(entry));
    }
    return Json{{"name", architecture.name},
                {"input", json_of(network.input)},
                {"code", json_of(network.code)},
                {"output", json_of(network.output)},
                {"loss", network.loss},
                {"encoder_layers", network.encoder_layers},
                {"halide", fmt::format("{}.{}.{}", HALIDE_VERSION_MAJOR, HALIDE_VERSION_MINOR, HALIDE_VERSION_PATCH)},
                {"target", level.target.to_string()},
                {"schedules", json_of(level, schedules)},
                {"parameters", network.parameter_count()},
                {"multiply_adds", {{"forward", network.forward_multiply_adds()}, {"training", network.training_multiply_adds()}}},
                {"memory", {{"training", json_of(training_layout(network))}, {"inference", json_of(inference_layout(network))}}},
                {"layers", std::move(layers)},
                {"pipelines", std::move(pipelines)}}
               .dump(2) +
           "\n";
}

}  // namespace castnet

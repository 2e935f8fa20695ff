#include "generators/language/pipelines.h"

#include <fmt/format.h>

namespace castnet {
namespace {

using Parameters = std::map<std::string, std::string>;

/// Returns a contraction's key in tables of schedules: all that its schedule may depend on.
std::string key_of(const std::string &generator, const LayerDescription &layer, const Parameters &choices) {
    std::string key =
        fmt::format("{} large={}x{}x{} small={}x{}x{} kernel={}x{} stride={}x{} pad={}x{}", generator, layer.large().height,
                    layer.large().width, layer.large().channels, layer.small().height, layer.small().width, layer.small().channels,
                    layer.kernel_height, layer.kernel_width, layer.stride_y, layer.stride_x, layer.pad_y, layer.pad_x);
    for (const char *name : {"pass", "activation", "output_grid", "decays"}) {
        if (const auto choice = choices.find(name); choice != choices.end()) key += fmt::format(" {}={}", name, choice->second);
    }
    return key;
}

/// Returns the generator of a layer without weights, and its own parameters.
std::pair<std::string, Parameters> grid_map(const LayerDescription &layer) {
    switch (layer.kind) {
    case LayerKind::max_pool:
        return {"max_pool", {}};
    case LayerKind::average_pool:
        return {"resample", {{"map", "average"}}};
    case LayerKind::upsample:
        return {"resample", {{"map", std::string(layer.interpolation)}}};
    default:
        return {"dropout", {}};
    }
}

/// Adds a layer's pipelines. `sends_gradient`: a layer before it learns.
void add_layer(std::vector<PipelineRecipe> &pipelines, const std::string &network, const LayerDescription &layer,
               const std::string &activation_before, bool sends_gradient) {
    const std::string name(layer.name);
    const bool is_transposed = layer.is_transposed();
    const auto add_with = [&](const std::string &pass, const std::string &generator, Parameters parameters, const std::string &key) {
        pipelines.push_back({.function = fmt::format("{}_{}_{}", network, name, pass),
                             .layer = name,
                             .pass = pass,
                             .generator = generator,
                             .parameters = std::move(parameters),
                             .key = key});
    };
    const auto add = [&](const std::string &pass, const std::string &generator, const Parameters &choices, bool is_contraction) {
        Parameters parameters = geometry_of(layer);
        parameters.insert(choices.begin(), choices.end());
        add_with(pass, generator, std::move(parameters), is_contraction ? key_of(generator, layer, choices) : "");
    };
    if (!layer.has_weights()) {
        const auto [generator, own] = grid_map(layer);
        add("forward", generator, own, false);
        Parameters backward{{"pass", "backward_data"}, {"activation", activation_before}};
        backward.insert(own.begin(), own.end());
        if (sends_gradient) add("backward_data", generator, backward, false);
        return;
    }
    const std::string activation(layer.activation);
    add("forward", is_transposed ? "spread" : "correlate", {{"pass", "forward"}, {"activation", layer.keeps_sums ? "linear" : activation}},
        true);
    if (layer.keeps_sums) add_with("activate", "activate", {{"activation", activation}}, "");
    if (layer.learns())
        add("backward_weights", "kernel_gradient",
            {{"output_grid", is_transposed ? "large" : "small"}, {"decays", layer.l2 > 0 ? "true" : "false"}}, true);
    if (sends_gradient)
        add("backward_data", is_transposed ? "correlate" : "spread", {{"pass", "backward_data"}, {"activation", activation_before}}, true);
    if (is_transposed || sends_gradient) add("transpose_kernel", "transpose_kernel", {}, false);
}

}  // namespace

std::map<std::string, std::string> geometry_of(const LayerDescription &layer) {
    const auto text = [](int number) { return std::to_string(number); };
    return {{"large_width", text(layer.large().width)},
            {"large_height", text(layer.large().height)},
            {"large_channels", text(layer.large().channels)},
            {"small_width", text(layer.small().width)},
            {"small_height", text(layer.small().height)},
            {"small_channels", text(layer.small().channels)},
            {"kernel_width", text(layer.kernel_width)},
            {"kernel_height", text(layer.kernel_height)},
            {"stride_x", text(layer.stride_x)},
            {"stride_y", text(layer.stride_y)},
            {"pad_x", text(layer.pad_x)},
            {"pad_y", text(layer.pad_y)}};
}

std::vector<PipelineRecipe> pipelines_of(const Architecture &architecture) {
    std::vector<PipelineRecipe> pipelines;
    std::string activation_before = "linear";
    bool one_learns = false;
    for (const Layer &layer : architecture.layers) {
        const LayerDescription description = layer.description();
        add_layer(pipelines, architecture.name, description, activation_before, one_learns);
        one_learns = one_learns || description.learns();
        activation_before = layer.statement.activation;
    }
    const Shape &output = architecture.layers.back().output;
    pipelines.push_back({.function = architecture.name + "_loss",
                         .layer = {},
                         .pass = "loss",
                         .generator = "loss",
                         .parameters = {{"pixels", std::to_string(output.flat().width)},
                                        {"channels", std::to_string(output.channels)},
                                        {"activation", activation_before},
                                        {"loss", architecture.loss}},
                         .key = {}});
    for (const char *shared : {"adam", "sgd", "momentum", "squared_norm", "sum_shards"})
        pipelines.push_back({.function = fmt::format("{}_{}", architecture.name, shared),
                             .layer = {},
                             .pass = shared,
                             .generator = shared,
                             .parameters = {},
                             .key = {}});
    return pipelines;
}

}  // namespace castnet

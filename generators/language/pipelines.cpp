#include "generators/language/pipelines.h"

#include <fmt/format.h>

namespace castnet {
namespace {

using Parameters = std::map<std::string, std::string>;

/// Returns a contraction's key in tables of schedules: all that its schedule may depend on.
std::string key_of(const std::string &generator, const Geometry &map, const Parameters &choices) {
    std::string key = fmt::format("{} large={}x{}x{} small={}x{}x{} kernel={}x{} stride={}x{} pad={}x{}", generator, map.large.height,
                                  map.large.width, map.large.channels, map.small.height, map.small.width, map.small.channels,
                                  map.kernel_height, map.kernel_width, map.stride_y, map.stride_x, map.pad_y, map.pad_x);
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
    const Geometry map = layer.geometry();
    const auto add_with = [&](const std::string &pass, const std::string &generator, Parameters parameters, const std::string &key) {
        pipelines.push_back({.function = fmt::format("{}_{}_{}", network, name, pass),
                             .layer = name,
                             .pass = pass,
                             .generator = generator,
                             .parameters = std::move(parameters),
                             .key = key});
    };
    const auto add = [&](const std::string &pass, const std::string &generator, const Parameters &choices, bool is_contraction) {
        Parameters parameters = parameters_of(map);
        parameters.insert(choices.begin(), choices.end());
        add_with(pass, generator, std::move(parameters), is_contraction ? key_of(generator, map, choices) : "");
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
    const bool stretches = layer.takes_in_upsample();
    const std::string decays = layer.l2 > 0 ? "true" : "false";
    add("forward", map.makes_large ? "spread" : "correlate",
        {{"pass", "forward"}, {"activation", layer.keeps_sums ? "linear" : activation}}, true);
    if (layer.keeps_sums) add_with("activate", "activate", {{"activation", activation}}, "");
    if (layer.learns()) {
        add("backward_weights", "kernel_gradient",
            {{"output_grid", map.makes_large ? "large" : "small"}, {"decays", stretches ? "false" : decays}}, true);
        if (stretches) add("fold_gradient", "fold_gradient", {{"decays", decays}}, false);
    }
    if (sends_gradient)
        add("backward_data", map.makes_large ? "correlate" : "spread", {{"pass", "backward_data"}, {"activation", activation_before}},
            true);
    if (stretches) add("stretch_kernel", "stretch_kernel", {}, false);
    if (map.makes_large || sends_gradient) add("transpose_kernel", "transpose_kernel", {}, false);
}

}  // namespace

std::map<std::string, std::string> parameters_of(const Geometry &map) {
    const auto text = [](int number) { return std::to_string(number); };
    return {{"large_width", text(map.large.width)},
            {"large_height", text(map.large.height)},
            {"large_channels", text(map.large.channels)},
            {"small_width", text(map.small.width)},
            {"small_height", text(map.small.height)},
            {"small_channels", text(map.small.channels)},
            {"kernel_width", text(map.kernel_width)},
            {"kernel_height", text(map.kernel_height)},
            {"stride_x", text(map.stride_x)},
            {"stride_y", text(map.stride_y)},
            {"pad_x", text(map.pad_x)},
            {"pad_y", text(map.pad_y)}};
}

std::vector<PipelineRecipe> pipelines_of(const Architecture &architecture) {
    std::vector<PipelineRecipe> pipelines;
    std::string activation_before = "linear";
    bool one_learns = false;
    for (const Layer &layer : architecture.layers) {
        if (layer.is_taken_in) continue;
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
    for (const char *shared : {"adam", "sgd", "momentum", "squared_norm", "sum_shards", "fma_peak"})
        pipelines.push_back({.function = fmt::format("{}_{}", architecture.name, shared),
                             .layer = {},
                             .pass = shared,
                             .generator = shared,
                             .parameters = {},
                             .key = {}});
    return pipelines;
}

}  // namespace castnet

#include "generators/compiler/header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cctype>

#include "generators/compiler/arguments.h"

namespace castnet {
namespace {

std::string braces(const Shape &shape) {
    return fmt::format("{{{}, {}, {}}}", shape.height, shape.width, shape.channels);
}

/// Returns the pass's struct in runtime/pipelines.h: "BackwardDataOperands" for backward_data.
std::string operands_of(const std::string &pass) {
    std::string name;
    for (const char letter : pass) {
        const bool begins_word = name.empty() || name.back() == '_';
        if (begins_word && !name.empty()) name.pop_back();
        name += begins_word ? static_cast<char>(std::toupper(static_cast<unsigned char>(letter))) : letter;
    }
    return name + "Operands";
}

/// Returns a pipeline's name within the network.
std::string name_of(const PipelineRecipe &pipeline) {
    return pipeline.layer.empty() ? pipeline.pass : fmt::format("{}_{}", pipeline.layer, pipeline.pass);
}

/// Returns the declaration of a pipeline's C function for a target.
std::string declaration(const PipelineRecipe &pipeline, const Level &level) {
    std::string text = fmt::format("int {}{}(const void *context", pipeline.function, level.suffix);
    for (const Argument &argument : arguments_of(pipeline)) text += fmt::format(", {}{}", argument.type, argument.name);
    return text + ");\n";
}

/// Returns a function that passes a pipeline for a target its operands by name.
std::string call(const PipelineRecipe &pipeline, const Level &level) {
    std::string text =
        fmt::format("    static int {}(castnet::Failure &failure, const castnet::{} &operands) {{\n        return {}{}(&failure",
                    name_of(pipeline), operands_of(pipeline.pass), pipeline.function, level.suffix);
    for (const Argument &argument : arguments_of(pipeline)) text += fmt::format(", operands.{}", argument.name);
    return text + ");\n    }\n";
}

/// Returns the name of the struct that has a target's pipelines.
std::string struct_of(const Level &level) {
    return level.suffix.empty() ? "compiled" : "compiled" + level.suffix;
}

/// Returns that struct.
std::string pipelines_struct(const std::vector<PipelineRecipe> &pipelines, const Level &level) {
    std::string text = fmt::format("struct {} {{\n    static constexpr std::string_view level = \"{}\", target = \"{}\";\n",
                                   struct_of(level), level.name, level.target.to_string());
    for (const PipelineRecipe &pipeline : pipelines) text += call(pipeline, level);
    return text + "};\n\n";
}

/// Returns a layer's entry, with its pipelines.
std::string entry(const LayerDescription &layer, const std::vector<PipelineRecipe> &pipelines) {
    std::string text = fmt::format(
        "    {{.name = \"{}\",\n     .text = \"{}\",\n     .canonical = \"{}\",\n     .kind = castnet::LayerKind::{},\n     .input = {},\n "
        "    .output = {},\n"
        "     .kernel_height = {},\n     .kernel_width = {},\n     .stride_y = {},\n     .stride_x = {},\n     .pad_y = {},\n     .pad_x = "
        "{},\n"
        "     .activation = \"{}\",\n     .interpolation = \"{}\",\n     .rate = {},\n     .l2 = {},\n     .trainable = {},\n     "
        ".keeps_sums = {},\n     .is_taken_in = {},\n     .upsampled_y = {},\n     .upsampled_x = {}",
        layer.name, layer.text, layer.canonical, name_of(layer.kind), braces(layer.input), braces(layer.output), layer.kernel_height,
        layer.kernel_width, layer.stride_y, layer.stride_x, layer.pad_y, layer.pad_x, layer.activation, layer.interpolation, layer.rate,
        layer.l2, layer.trainable, layer.keeps_sums, layer.is_taken_in, layer.upsampled_y, layer.upsampled_x);
    for (const char *pass :
         {"forward", "activate", "backward_data", "backward_weights", "fold_gradient", "stretch_kernel", "transpose_kernel"}) {
        for (const PipelineRecipe &pipeline : pipelines) {
            if (pipeline.layer == layer.name && pipeline.pass == pass)
                text += fmt::format(",\n     .{} = Pipelines::{}", pass, name_of(pipeline));
        }
    }
    return text + "},\n";
}

// What follows the layers. {0}: the network's name, {1}: the number of its encoder's layers, {2} to {4}: its input, code and output, {5}:
// its loss, {6}: its levels, {7}: the struct of
// the first one's pipelines.
constexpr const char *rest = R"(
/// The network with the pipelines for a target.
template <typename Pipelines>
constexpr castnet::NetworkDescription level{{
    .name = "{0}",
    .layers = layers_of<Pipelines>,
    .encoder_layers = {1},
    .input = {2},
    .code = {3},
    .output = {4},
    .loss = "{5}",
    .loss_gradient = Pipelines::loss,
    .adam = Pipelines::adam,
    .sgd = Pipelines::sgd,
    .momentum = Pipelines::momentum,
    .squared_norm = Pipelines::squared_norm,
    .sum_shards = Pipelines::sum_shards,
    .fma_peak = Pipelines::fma_peak,
    .target = Pipelines::target,
    .level = Pipelines::level}};

/// The network for each target, the greatest first: castnet::choose_level() finds this CPU's.
inline constexpr std::array levels{{{6}}};
inline constexpr const castnet::NetworkDescription &network = levels.front();
inline constexpr const auto &layers = layers_of<pipelines::{7}>;

inline constexpr castnet::Shape input = network.input;
inline constexpr castnet::Shape code = network.code;
inline constexpr castnet::Shape output = network.output;
inline constexpr std::size_t parameter_count = network.parameter_count();

static_assert(castnet::ArenaLayout(network, 1, 1, castnet::Purpose::inference).is_addressable(),
              "{0} needs more memory than this target addresses");

/// Returns the bytes of an arena for batches of at most `batch_size` images on at most `threads` threads, with what the optimizer keeps. A
/// constant expression that asks for more than memory has does not compile.
constexpr std::size_t arena_bytes(int batch_size = 32, int threads = 1, castnet::Purpose purpose = castnet::Purpose::training,
                                  const castnet::Optimizer &optimizer = {{}}) {{
    const castnet::ArenaLayout layout(network, batch_size, threads, purpose, optimizer.slots());
    return layout.is_addressable() ? layout.bytes() : castnet::no_such_arena();
}}

/// The network at work, with the pipelines for this CPU: see castnet::Autoencoder. `arena` has arena_bytes() of the options on a 64-byte boundary, and must outlive it.
/// Without one it allocates its own.
class Autoencoder : public castnet::Autoencoder {{
public:
    explicit Autoencoder(const castnet::AutoencoderOptions &options = {{}}, std::span<std::byte> arena = {{}}) noexcept
        : castnet::Autoencoder(castnet::choose_level(levels), options, arena) {{}}
}};

}}  // namespace {0}
)";

}  // namespace

std::string header_of(const Architecture &architecture, const std::vector<CompileOptions::Target> &targets) {
    const std::vector<PipelineRecipe> pipelines = pipelines_of(architecture);
    const std::string &name = architecture.name;
    std::string text = fmt::format(
        "// The network {0}. Made by castnet: edit {0}.castnet.\n#pragma once\n\n#include <array>\n\n"
        "#include \"runtime/autoencoder.h\"\n#include \"runtime/pipelines.h\"\n#include \"runtime/target.h\"\n\nextern \"C\" {{\n",
        name);
    std::vector<std::string> levels;
    for (const Level &level : targets) {
        for (const PipelineRecipe &pipeline : pipelines) text += declaration(pipeline, level);
        levels.push_back(fmt::format("level<pipelines::{}>", struct_of(level)));
    }
    text += fmt::format("}}\n\nnamespace {0}::pipelines {{\n\n", name);
    for (const Level &level : targets) text += pipelines_struct(pipelines, level);
    text += fmt::format(
        "}}  // namespace {0}::pipelines\n\nnamespace {0} {{\n\n"
        "template <typename Pipelines>\n"
        "inline constexpr auto layers_of = std::to_array<castnet::LayerDescription>({{\n",
        name);
    for (const Layer &layer : architecture.layers) text += entry(layer.description(), pipelines);
    return text + "});\n" +
           fmt::format(fmt::runtime(rest), name, architecture.encoder_layers, braces(architecture.input), braces(architecture.code),
                       braces(architecture.output), architecture.loss, fmt::join(levels, ", "), struct_of(targets.front()));
}

}  // namespace castnet

#include "generators/compiler/header.h"

#include <fmt/format.h>

#include "generators/language/pipelines.h"

namespace castnet {
namespace {

std::string braces(const Shape &shape) {
    return fmt::format("{{{}, {}, {}}}", shape.height, shape.width, shape.channels);
}

/// A layer's entry, with those of the pipelines that are its.
std::string entry(const LayerDescription &layer, const std::vector<PipelineRecipe> &pipelines) {
    std::string text = fmt::format(
        "    {{.name = \"{}\",\n     .text = \"{}\",\n     .kind = castnet::LayerKind::{},\n     .input = {},\n     .output = {},\n"
        "     .kernel_height = {},\n     .kernel_width = {},\n     .stride_y = {},\n     .stride_x = {},\n     .pad_y = {},\n     .pad_x = "
        "{},\n"
        "     .activation = \"{}\",\n     .l2 = {}",
        layer.name, layer.text, name_of(layer.kind), braces(layer.input), braces(layer.output), layer.kernel_height, layer.kernel_width,
        layer.stride_y, layer.stride_x, layer.pad_y, layer.pad_x, layer.activation, layer.l2);
    for (const char *pass : {"forward", "backward_data", "backward_weights", "transpose_kernel"}) {
        for (const PipelineRecipe &pipeline : pipelines) {
            if (pipeline.layer == layer.name && pipeline.pass == pass)
                text += fmt::format(",\n     .{} = {}_argv", pass, pipeline.function);
        }
    }
    return text + "},\n";
}

// What follows the layers. {0}: the network's name, {1}: the layers of its encoder.
constexpr const char *rest = R"(
inline constexpr castnet::NetworkDescription network{{
    .name = "{0}",
    .layers = layers,
    .encoder_layers = {1},
    .squared_error = {0}_squared_error_argv,
    .adam = {0}_adam_argv,
    .squared_norm = {0}_squared_norm_argv,
    .sum_shards = {0}_sum_shards_argv,
    .metadata = {0}_squared_error_metadata}};

inline constexpr castnet::Shape input = network.input();
inline constexpr castnet::Shape code = network.code();
inline constexpr std::size_t parameter_count = network.parameter_count();

/// Bytes of the arena that holds all a network touches while it works on batches of `batch_size` with `threads` threads.
constexpr std::size_t arena_bytes(int batch_size = 32, int threads = 1, castnet::Purpose purpose = castnet::Purpose::training) {{
    return castnet::ArenaLayout(network, batch_size, threads, purpose).bytes();
}}

/// The network at work; what it does stands at castnet::Autoencoder. `arena`: arena_bytes() of the options on a 64-byte boundary, which
/// must outlive it; without one it brings its own.
class Autoencoder : public castnet::Autoencoder {{
public:
    explicit Autoencoder(const castnet::AutoencoderOptions &options = {{}}, std::span<std::byte> arena = {{}}) noexcept
        : castnet::Autoencoder({0}::network, options, arena) {{}}
}};

}}  // namespace {0}
)";

}  // namespace

std::string header_of(const Architecture &architecture) {
    const std::vector<PipelineRecipe> pipelines = pipelines_of(architecture);
    std::string text = fmt::format(
        "// The network {0}. Made by castnet: edit {0}.castnet.\n#pragma once\n\n#include <array>\n\n"
        "#include \"runtime/autoencoder.h\"\n\nextern \"C\" {{\n",
        architecture.name);
    for (const PipelineRecipe &pipeline : pipelines) text += fmt::format("int {}_argv(void **arguments);\n", pipeline.function);
    text += fmt::format(
        "const struct halide_filter_metadata_t *{0}_squared_error_metadata(void);\n}}\n\nnamespace {0} {{\n\ninline constexpr auto layers "
        "= std::to_array<castnet::LayerDescription>({{\n",
        architecture.name);
    for (const Layer &layer : architecture.layers) text += entry(layer.description(), pipelines);
    return text + "});\n" + fmt::format(fmt::runtime(rest), architecture.name, architecture.encoder_layers);
}

}  // namespace castnet

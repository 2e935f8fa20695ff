// Fuzzes the network language: a text is refused in one line, or gives a network whose numbers are all in bounds.
#include "generators/language/architecture.h"
#include "generators/language/pipelines.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace castnet;
    Architecture network;
    const std::string text(reinterpret_cast<const char *>(data), size);
    if (!fuzz::reads(size, [&] { network = read_architecture("n.castnet", text); })) return 0;
    fuzz::require(network.layers.back().output.size() == network.output.size(), "the decoder does not end in the output's shape");
    fuzz::require(network.encoder_layers > 0 && network.encoder_layers < network.layers.size(), "a part is empty");
    Shape shape = network.input;
    for (const Layer &layer : network.layers) {
        const LayerDescription description = layer.description();
        const Geometry own = description.own_geometry();
        fuzz::require(
            layer.input.size() == shape.size() && description.output.size() <= 0x7fffffff && description.kernel_size() <= 0x7fffffff,
            "a shape is wrong");
        fuzz::require(layer.statement.y.small_extent(own.large.height) == own.small.height &&
                          layer.statement.x.small_extent(own.large.width) == own.small.width,
                      "the grids are not those of one map");
        fuzz::require(description.pad_y >= 0 && description.pad_y < description.kernel_height && description.pad_x >= 0 &&
                          description.pad_x < description.kernel_width,
                      "the zeros before are out of bounds");
        shape = layer.output;
    }
    fuzz::require(pipelines_of(network).size() > network.layers.size(), "pipelines are missing");
    return 0;
}

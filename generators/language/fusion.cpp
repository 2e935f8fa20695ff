#include "generators/language/fusion.h"

#include <cstdint>

namespace castnet {
namespace {

/// Whether the map's kernel saves multiply-adds, and is not so much larger than the layer's that it would cost more memory than it saves
/// time: of a 3x3 kernel, behind factors up to 4.
bool pays(const LayerDescription &convolution, const LayerDescription &upsample) {
    const std::int64_t taps = std::int64_t{convolution.kernel_height} * convolution.kernel_width;
    const std::int64_t stretched =
        std::int64_t{convolution.kernel_height + upsample.stride_y - 1} * (convolution.kernel_width + upsample.stride_x - 1);
    return stretched < taps * upsample.stride_y * upsample.stride_x && stretched <= 4 * taps &&
           4 * convolution.kernel_size() <= ArenaLayout::most_elements;
}

bool can_take_in(const Layer &layer, const Layer &before) {
    const LayerDescription convolution = layer.description(), upsample = before.description();
    return convolution.kind == LayerKind::conv2d && convolution.stride_y == 1 && convolution.stride_x == 1 &&
           upsample.kind == LayerKind::upsample && upsample.interpolation == "nearest" && convolution.input == upsample.output &&
           pays(convolution, upsample);
}

}  // namespace

bool take_in(Layer &layer, Layer &upsample) {
    if (!can_take_in(layer, upsample)) return false;
    upsample.is_taken_in = true;
    layer.upsampled_y = upsample.statement.y.stride;
    layer.upsampled_x = upsample.statement.x.stride;
    return true;
}

void fuse_upsampling(Architecture &architecture) {
    auto &layers = architecture.layers;
    for (std::size_t l = 2; l < layers.size(); l++) {
        if (l != architecture.encoder_layers) take_in(layers[l], layers[l - 1]);
    }
}

}  // namespace castnet

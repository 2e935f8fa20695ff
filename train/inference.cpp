#include "train/inference.h"

#include <fmt/format.h>

#include <algorithm>

#include "train/files/error.h"

namespace castnet {

std::vector<float> infer(Network &network, std::size_t first, std::size_t last, std::span<const float> inputs) {
    const auto &layers = network.description().layers;
    const std::size_t images = inputs.size() / layers[first].input.size();
    std::vector<float> outputs(images * layers[last - 1].output.size());
    if (network.forward(first, last, inputs, outputs, images) != 0) throw Error(network.error_message());
    return outputs;
}

std::vector<float> encode(Network &network, std::span<const float> images) {
    return infer(network, 0, network.description().encoder_layers, images);
}

std::vector<float> decode(Network &network, std::span<const float> codes) {
    return infer(network, network.description().encoder_layers, network.description().layers.size(), codes);
}

std::vector<float> reconstruct(Network &network, std::span<const float> images) {
    return infer(network, 0, network.description().layers.size(), images);
}

double mean_squared_error(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); i++) {
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += difference * difference;
    }
    return sum / static_cast<double>(a.size());
}

void reconstruct_each(Network &network, const Dataset &dataset, std::span<const std::uint32_t> indices,
                      const std::function<void(std::span<const float> images, std::span<const float> outputs)> &visit) {
    constexpr std::size_t part = 1024;
    for (std::size_t begin = 0; begin < indices.size(); begin += part) {
        const std::vector<float> images = dataset.gather(indices.subspan(begin, std::min(part, indices.size() - begin)));
        visit(images, reconstruct(network, images));
    }
}

double reconstruction_error(Network &network, const Dataset &dataset, std::span<const std::uint32_t> indices) {
    double sum = 0;
    reconstruct_each(network, dataset, indices, [&](std::span<const float> images, std::span<const float> outputs) {
        const std::size_t count = images.size() / dataset.shape.size();
        sum += mean_squared_error(outputs, images) * static_cast<double>(count);
    });
    return sum / static_cast<double>(indices.size());
}

double loss_on(Network &network, const Dataset &dataset, std::span<const std::uint32_t> indices) {
    const StepResult penalty = network.penalty();
    if (penalty.error != 0) throw Error(network.error_message());
    return reconstruction_error(network, dataset, indices) + penalty.loss;
}

}  // namespace castnet

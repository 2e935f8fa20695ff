#include "train/inference.h"

#include <fmt/format.h>

#include <algorithm>

#include "train/files/error.h"

namespace castnet {

namespace {

/// Runs one of the model's functions on all inputs, and returns the outputs. `input` and `output`: the shape of one. Throws Error.
std::vector<float> infer(Autoencoder &model, int (Autoencoder::*function)(std::span<const float>, std::span<float>) noexcept,
                         std::span<const float> inputs, const Shape &input, const Shape &output) {
    std::vector<float> outputs(inputs.size() / input.size() * output.size());
    if ((model.*function)(inputs, outputs) != 0) throw Error(model.error_message());
    return outputs;
}

}  // namespace

std::vector<float> encode(Autoencoder &model, std::span<const float> images) {
    return infer(model, &Autoencoder::encode, images, model.description().input, model.description().code);
}

std::vector<float> decode(Autoencoder &model, std::span<const float> codes) {
    return infer(model, &Autoencoder::decode, codes, model.description().code, model.description().output);
}

std::vector<float> reconstruct(Autoencoder &model, std::span<const float> images) {
    return infer(model, &Autoencoder::reconstruct, images, model.description().input, model.description().output);
}

double mean_squared_error(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); i++) {
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += difference * difference;
    }
    return sum / static_cast<double>(a.size());
}

void reconstruct_each(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices,
                      const std::function<void(std::span<const float> images, std::span<const float> outputs)> &visit) {
    constexpr std::size_t part = 1024;
    for (std::size_t begin = 0; begin < indices.size(); begin += part) {
        const std::vector<float> images = dataset.gather(indices.subspan(begin, std::min(part, indices.size() - begin)));
        visit(images, reconstruct(model, images));
    }
}

double reconstruction_error(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices) {
    double sum = 0;
    reconstruct_each(model, dataset, indices, [&](std::span<const float> images, std::span<const float> outputs) {
        const std::size_t count = images.size() / dataset.shape.size();
        sum += mean_squared_error(outputs, images) * static_cast<double>(count);
    });
    return sum / static_cast<double>(indices.size());
}

double loss_on(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices) {
    const StepResult penalty = model.penalty();
    if (penalty.error != 0) throw Error(model.error_message());
    return reconstruction_error(model, dataset, indices) + penalty.loss;
}

}  // namespace castnet

#include "train/inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

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

std::vector<double> losses(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices) {
    constexpr std::size_t most = 1024;  // at once: keeps memory flat
    std::vector<double> all;
    for (std::size_t begin = 0; begin < indices.size(); begin += most) {
        const auto part = indices.subspan(begin, std::min(most, indices.size() - begin));
        std::vector<float> some(part.size());
        if (model.losses(pairs.inputs_at(part), pairs.targets_at(part), some) != 0) throw Error(model.error_message());
        all.insert(all.end(), some.begin(), some.end());
    }
    return all;
}

double mean_loss(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices) {
    const std::vector<double> all = losses(model, pairs, indices);
    return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
}

std::string loss_name(const NetworkDescription &description) {
    std::string name(description.loss);
    std::ranges::replace(name, '_', ' ');
    return name;
}

double loss_on(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices) {
    const StepResult penalty = model.penalty();
    if (penalty.error != 0) throw Error(model.error_message());
    return mean_loss(model, pairs, indices) + penalty.loss;
}

}  // namespace castnet

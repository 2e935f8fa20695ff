#include "train/inference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
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

/// Calls visit(indices) for part after part of them, which keeps memory flat.
template <typename Visit>
void for_each_part(std::span<const std::uint32_t> indices, const Visit &visit) {
    constexpr std::size_t most = 1024;
    for (std::size_t begin = 0; begin < indices.size(); begin += most)
        visit(indices.subspan(begin, std::min(most, indices.size() - begin)));
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
    std::vector<double> all;
    for_each_part(indices, [&](std::span<const std::uint32_t> part) {
        std::vector<float> some(part.size());
        if (model.losses(pairs.inputs_at(part), pairs.targets_at(part), some) != 0) throw Error(model.error_message());
        all.insert(all.end(), some.begin(), some.end());
    });
    return all;
}

std::vector<float> pixel_errors(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices) {
    const auto channels = static_cast<std::size_t>(model.description().output.channels);
    const std::vector<float> outputs = reconstruct(model, pairs.inputs_at(indices)), targets = pairs.targets_at(indices);
    std::vector<float> errors(outputs.size() / channels, 0);
    for (std::size_t i = 0; i < outputs.size(); i++)
        errors[i / channels] += std::abs(outputs[i] - targets[i]) / static_cast<float>(channels);
    return errors;
}

float largest_pixel_error(Autoencoder &model, const Pairs &pairs) {
    float largest = 0;
    for_each_part(all_indices(pairs.size()), [&](std::span<const std::uint32_t> part) {
        largest = std::max(largest, std::ranges::max(pixel_errors(model, pairs, part)));
    });
    return largest;
}

static double mean(const std::vector<double> &numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), 0.0) / static_cast<double>(numbers.size());
}

double mean_loss(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices) {
    return mean(losses(model, pairs, indices));
}

/// Returns what losses() does; each process computes as many of them as any other, up to one.
static std::vector<double> shared_losses(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices, Ranks &ranks) {
    const Place place = ranks.place();
    const auto begin_of = [&](int rank) { return indices.size() * static_cast<std::size_t>(rank) / static_cast<std::size_t>(place.ranks); };
    std::vector<int> counts;
    counts.reserve(static_cast<std::size_t>(place.ranks));
    for (int rank = 0; rank < place.ranks; rank++) counts.push_back(static_cast<int>(begin_of(rank + 1) - begin_of(rank)));
    const std::size_t begin = begin_of(place.rank);
    const std::vector<double> own = losses(model, pairs, indices.subspan(begin, begin_of(place.rank + 1) - begin));
    std::vector<float> all(indices.size());
    std::ranges::transform(own, all.begin() + static_cast<std::ptrdiff_t>(begin), [](double loss) { return static_cast<float>(loss); });
    if (ranks.gather(all, counts) != 0) throw Error(not_exchanged);
    return {all.begin(), all.end()};
}

std::string loss_name(const NetworkDescription &description) {
    std::string name(description.loss);
    std::ranges::replace(name, '_', ' ');
    return name;
}

double loss_on(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices, Ranks *ranks) {
    const StepResult penalty = model.penalty();
    if (penalty.error != 0) throw Error(model.error_message());
    return mean(ranks == nullptr ? losses(model, pairs, indices) : shared_losses(model, pairs, indices, *ranks)) + penalty.loss;
}

}  // namespace castnet

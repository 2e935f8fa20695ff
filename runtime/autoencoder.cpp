#include "runtime/autoencoder.h"

#include <algorithm>

namespace castnet {
namespace {

/// Returns how many grids of the shape the values hold; 0 if that is no whole number.
std::size_t count(std::span<const float> values, const Shape &shape) {
    return values.size() % shape.size() == 0 ? values.size() / shape.size() : 0;
}

}  // namespace

Autoencoder::Autoencoder(const NetworkDescription &description, const AutoencoderOptions &options, std::span<std::byte> arena) noexcept
    : network_(description, options.batch_size, options.threads, options.purpose, arena, options.optimizer.slots(), options.ranks),
      optimizer_(options.optimizer),
      seed_(options.seed) {
    Random random(options.seed);
    if (is_ready()) initialize(random);
}

int Autoencoder::initialize(Random &random) noexcept {
    optimizer_.begin_anew(network_);
    return glorot_uniform(network_, random);
}

int Autoencoder::check_reproduces() noexcept {
    if (network_.description().input == network_.description().output) return 0;
    return network_.refuse("the network's output has another shape than its input; give targets of that shape");
}

StepResult Autoencoder::step(std::span<const float> images) noexcept {
    if (const int error = check_reproduces(); error != 0) return {.error = error};
    return step(images, images);
}

StepResult Autoencoder::step(std::span<const float> images, std::span<const float> targets) noexcept {
    const std::size_t inputs = count(images, network_.description().input);
    if (inputs == 0 || inputs > static_cast<std::size_t>(network_.batch_size()))
        return {.error = network_.refuse("step: the images are not 1 to batch_size whole images of the network's input shape")};
    if (count(targets, network_.description().output) != inputs)
        return {.error = network_.refuse("step: there are not as many targets as images")};
    return step_on(Batch::of(images, targets, static_cast<int>(inputs)));
}

int Autoencoder::encode(std::span<const float> images, std::span<float> codes) noexcept {
    return run(0, network_.description().encoder_layers, images, codes);
}

int Autoencoder::decode(std::span<const float> codes, std::span<float> outputs) noexcept {
    return run(network_.description().encoder_layers, network_.description().layers.size(), codes, outputs);
}

int Autoencoder::reconstruct(std::span<const float> images, std::span<float> outputs) noexcept {
    return run(0, network_.description().layers.size(), images, outputs);
}

int Autoencoder::run(std::size_t first, std::size_t last, std::span<const float> inputs, std::span<float> outputs) noexcept {
    const auto &layers = network_.description().layers;
    const std::size_t images = count(inputs, layers[first].input);
    if (images == 0) return network_.refuse("the inputs are not whole images, or codes, of the network's shape");
    if (count(outputs, layers[last - 1].output) != images)
        return network_.refuse("there is not room for as many outputs as there are inputs");
    return network_.forward(first, last, inputs, outputs, images);
}

int Autoencoder::losses(std::span<const float> images, std::span<const float> targets, std::span<float> losses) noexcept {
    const std::size_t inputs = count(images, network_.description().input);
    if (inputs == 0) return network_.refuse("the inputs are not whole images of the network's shape");
    if (count(targets, network_.description().output) != inputs || losses.size() != inputs)
        return network_.refuse("there are not as many targets, or losses, as images");
    return network_.losses(images, targets, losses);
}

int Autoencoder::losses(std::span<const float> images, std::span<float> losses) noexcept {
    if (const int error = check_reproduces(); error != 0) return error;
    return this->losses(images, images, losses);
}

int Autoencoder::load(std::span<const float> weights) noexcept {
    if (weights.size() != network_.description().parameter_count())
        return network_.refuse("load: the weights are not parameter_count() floats");
    if (!all_finite(weights)) return network_.refuse("load: a weight is infinite or NaN");
    for (const Network::Tensor &tensor : network_.tensors()) {
        std::ranges::copy(weights.first(tensor.values.size()), tensor.values.begin());
        weights = weights.subspan(tensor.values.size());
    }
    optimizer_.begin_anew(network_);
    return network_.weights_changed();
}

int Autoencoder::save(std::span<float> weights) noexcept {
    if (!is_ready()) return network_.weights_changed();
    if (weights.size() != network_.description().parameter_count())
        return network_.refuse("save: there is not room for parameter_count() floats");
    for (const Network::Tensor &tensor : network_.tensors()) {
        std::ranges::copy(tensor.values, weights.begin());
        weights = weights.subspan(tensor.values.size());
    }
    return 0;
}

}  // namespace castnet

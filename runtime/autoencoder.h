// The library's front: a network that learns to reproduce what it is shown, on memory of the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/network.h"
#include "runtime/optimizer.h"

namespace castnet {

struct AutoencoderOptions {
    int batch_size = 32;  ///< images of a step, at most
    int threads = 1;      ///< that work at once; the results are the same for any number
    Purpose purpose = Purpose::training;
    Adam optimizer{};        ///< its learning rate may be changed at any time
    std::uint64_t seed = 0;  ///< of the initial weights
};

/// Images, codes and weights are dense floats: images (n, H, W, C) in the network's input shape, codes (n, h, w, c) in its code shape; C
/// order. A function returns 0, or an error whose reason error_message() gives in one line: a span that does not hold whole images, or not
/// as many as the other, and whatever a pipeline reports. Nothing throws; nothing but the constructor allocates. One object is used by
/// one thread at a time.
class Autoencoder {
public:
    /// With Keras's initial weights of the seed. `arena`: see Network.
    explicit Autoencoder(const NetworkDescription &description, const AutoencoderOptions &options = {},
                         std::span<std::byte> arena = {}) noexcept;

    /// Whether the arena was large enough, and the options make sense; otherwise all else returns errors.
    [[nodiscard]] bool is_ready() const { return network_.is_ready(); }

    /// One step of Adam towards reproducing 1 to batch_size images. The loss, before the step, is the mean of the squared differences over
    /// all elements, plus the L2 penalties.
    StepResult step(std::span<const float> images) noexcept { return step(images, images); }
    /// One step towards making the targets of the images: to take noise away, say.
    StepResult step(std::span<const float> images, std::span<const float> targets) noexcept;

    /// Any number of images, to as many codes; codes to images; images to images.
    int encode(std::span<const float> images, std::span<float> codes) noexcept;
    int decode(std::span<const float> codes, std::span<float> images) noexcept;
    int reconstruct(std::span<const float> images, std::span<float> outputs) noexcept;

    /// Takes, or gives, all weights: parameter_count() floats, of each layer its kernel, then its bias, in Keras's layouts. Taking them
    /// begins the optimizer anew.
    int load(std::span<const float> weights) noexcept;
    int save(std::span<float> weights) noexcept;

    /// What is not that simple: single tensors, moments, gradients.
    [[nodiscard]] Network &network() { return network_; }
    [[nodiscard]] Adam &optimizer() { return optimizer_; }

private:
    int run(std::size_t first, std::size_t last, std::span<const float> inputs, std::span<float> outputs) noexcept;

    Network network_;
    Adam optimizer_;
};

}  // namespace castnet

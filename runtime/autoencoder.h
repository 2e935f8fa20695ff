// The library's front: a network that learns to reproduce what it is shown, on memory of the caller's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/network.h"
#include "runtime/optimizer.h"
#include "runtime/random.h"

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
/// as many as the other, and whatever a pipeline reports. Nothing throws. One object is used by one thread at a time; it stays where it was
/// made, neither copied nor moved.
///
/// Memory: the arena, and what pipelines copy for themselves: the input or output of a layer, of one image and with its zeros, and its
/// kernel where it has few channels. Up to 1 MiB a copy lies on the stack, and nothing is allocated; a larger one comes from
/// halide_malloc(), is given back within the call, and makes it an error where there is no memory. A thread has at most three copies at
/// once: 4 MiB of stack always do, and glibc's threads have 8. Those of Halide's pool begin with 128 KB on musl, which
/// -Wl,-z,stack-size=4194304 raises, and with 512 KB on macOS, where halide_set_custom_do_par_for() takes a pool of one's own.
///
/// Errors: what Halide's runtime finds wrong in a network's pipelines is kept with it, as they have it as their user context;
/// halide_malloc() and halide_do_par_for() get that context too. The first network of a process sets Halide's error handler, which passes
/// the errors of all other contexts on to the one that was there. A handler that the program sets later gets the networks' errors too, with
/// contexts that are not its own; calls return their errors as ever.
class Autoencoder {
public:
    /// With Keras's initial weights of the seed. `arena`: see Network.
    explicit Autoencoder(const NetworkDescription &description, const AutoencoderOptions &options = {},
                         std::span<std::byte> arena = {}) noexcept;

    /// Whether the arena was large enough, the options make sense, and the CPU is one that the network was compiled for; otherwise all else
    /// returns errors, and error_message() says why.
    [[nodiscard]] bool is_ready() const { return network_.is_ready(); }
    /// Of this object's last call that failed; "" if none has.
    [[nodiscard]] const char *error_message() const { return network_.error_message(); }
    [[nodiscard]] const NetworkDescription &description() const { return network_.description(); }

    /// Draws Keras's initial weights anew, and begins the optimizer anew.
    int initialize(Random &random) noexcept;

    /// One step of Adam towards reproducing 1 to batch_size images. The loss, before the step, is the mean of the squared differences over
    /// all elements, plus the L2 penalties.
    StepResult step(std::span<const float> images) noexcept { return step(images, images); }
    /// One step towards making the targets of the images: to take noise away, say.
    StepResult step(std::span<const float> images, std::span<const float> targets) noexcept;
    /// Steps in one fork of the threads, each on the batch that next(result of the last step) points to, the first on next(nullptr), until
    /// it is null. `next` runs on any of the threads, one at a time, and may not throw; it may change the optimizer's learning rate.
    template <typename Next>
    void train(const Next &next) noexcept {
        optimizer_.train(network_, next);
    }
    /// The L2 penalties of the weights: what a loss has beside the squared differences.
    StepResult penalty() noexcept { return network_.penalty(); }

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
    [[nodiscard]] const Adam &optimizer() const { return optimizer_; }

private:
    int run(std::size_t first, std::size_t last, std::span<const float> inputs, std::span<float> outputs) noexcept;

    Network network_;
    Adam optimizer_;
};

}  // namespace castnet

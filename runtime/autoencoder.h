// The library's interface: a network that learns to reproduce its input, or to make other targets of it, in the caller's memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/network.h"
#include "runtime/optimizer.h"
#include "runtime/random.h"

namespace castnet {

struct AutoencoderOptions {
    int batch_size = 32;  ///< the most images in a step
    int threads = 1;      ///< working at once; the results do not depend on their number
    Purpose purpose = Purpose::training;
    Optimizer optimizer{};   ///< Adam, unless another is given
    std::uint64_t seed = 0;  ///< of the initial weights, and of what dropout draws
    Ranks *ranks = nullptr;  ///< the processes that train it together, each with the same calls; null: this one alone
};

/// A network that learns to reproduce its input, or to make other targets of it. Images, codes, outputs and weights are dense floats in C
/// order: images (n, H, W, C) in the network's input shape, codes in its code shape, outputs and targets in its output shape. Each function
/// returns 0 or an error: a span that does not hold whole images, spans of different counts, or whatever a pipeline reports.
/// error_message() then gives the reason in one line. Nothing throws. Use an object from one thread at a time. It can be neither copied nor
/// moved.
///
/// Memory: the arena, and copies that the pipelines make: one image's input or output of a layer with its zero padding, and kernels with
/// few channels. A copy of up to 1 MiB lies on the stack, and nothing is allocated. A larger one comes from halide_malloc() and is freed
/// within the call; without memory for it the call returns an error. A thread holds at most three copies at once, so 4 MiB of stack always
/// suffice; glibc's threads have 8. Halide's pool has threads of 128 KB on musl, which -Wl,-z,stack-size=4194304 raises, and of 512 KB on
/// macOS, where halide_set_custom_do_par_for() installs a pool of your own.
///
/// Errors: each network provides its pipelines' user context, and so keeps what Halide's runtime reports about them. halide_malloc() and
/// halide_do_par_for() get that context too. The first network of a process sets Halide's error handler, which passes errors of other
/// contexts on to the previous handler. A handler that the program sets later also gets the networks' errors, with contexts that are not
/// its own; calls still return their errors.
class Autoencoder {
public:
    /// Draws Keras's initial weights from the seed. `arena`: see Network.
    explicit Autoencoder(const NetworkDescription &description, const AutoencoderOptions &options = {},
                         std::span<std::byte> arena = {}) noexcept;

    /// Returns whether the arena was large enough, the options valid, and the network compiled for this CPU. If not, all other functions
    /// return errors, and error_message() says why.
    [[nodiscard]] bool is_ready() const { return network_.is_ready(); }
    /// Returns the message of the last failed call; "" if none failed.
    [[nodiscard]] const char *error_message() const { return network_.error_message(); }
    [[nodiscard]] const NetworkDescription &description() const { return network_.description(); }

    /// Draws new initial weights as Keras does, and resets the optimizer.
    int initialize(Random &random) noexcept;

    /// Takes one step of the optimizer towards reproducing 1 to batch_size images. Returns the loss before the step: the mean of the
    /// network's loss over all elements, plus the L2 penalties. An error where the network's output has another shape than its input.
    StepResult step(std::span<const float> images) noexcept;
    /// Takes one step towards mapping the images to as many targets of the output's shape, to remove noise for example.
    StepResult step(std::span<const float> images, std::span<const float> targets) noexcept;
    /// Takes one step on a batch whose images lie anywhere, of at most batch_size.
    StepResult step_on(const Batch &batch) noexcept {
        draw();
        return optimizer_.step(network_, batch);
    }
    /// Takes steps in one fork of the threads until `next` returns null. next(nullptr) points to the first batch, next(result of the last
    /// step) to each later one. `next` runs on any of the threads, one at a time, and may not throw. It may change the optimizer's learning
    /// rate.
    template <typename Next>
    void train(const Next &next) noexcept {
        optimizer_.train(network_, [&](const StepResult *last) {
            const Batch *batch = next(last);
            draw();
            return batch;
        });
    }
    /// Returns the L2 penalties of the weights, the part of the loss that depends on no image.
    StepResult penalty() noexcept { return network_.penalty(); }

    /// Map any number of images to codes, codes to outputs, and images to outputs.
    int encode(std::span<const float> images, std::span<float> codes) noexcept;
    int decode(std::span<const float> codes, std::span<float> outputs) noexcept;
    int reconstruct(std::span<const float> images, std::span<float> outputs) noexcept;

    /// Computes the network's loss of each image against its target, or itself, without penalties: how badly it is reproduced. Itself is an
    /// error where the output has another shape.
    int losses(std::span<const float> images, std::span<const float> targets, std::span<float> losses) noexcept;
    int losses(std::span<const float> images, std::span<float> losses) noexcept;

    /// Copy all weights in or out: parameter_count() floats, each layer's kernel, then its bias, in Keras's layouts. load() resets the
    /// optimizer.
    int load(std::span<const float> weights) noexcept;
    int save(std::span<float> weights) noexcept;

    /// Give access to single tensors, moments and gradients.
    [[nodiscard]] Network &network() { return network_; }
    [[nodiscard]] Optimizer &optimizer() { return optimizer_; }
    [[nodiscard]] const Optimizer &optimizer() const { return optimizer_; }

private:
    /// Draws dropout's masks of the next step.
    void draw() noexcept { network_.draw(seed_, static_cast<std::uint64_t>(optimizer_.steps)); }
    /// Returns 0, or an error where images cannot be their own targets.
    int check_reproduces() noexcept;
    int run(std::size_t first, std::size_t last, std::span<const float> inputs, std::span<float> outputs) noexcept;

    Network network_;
    Optimizer optimizer_;
    std::uint64_t seed_;
};

}  // namespace castnet

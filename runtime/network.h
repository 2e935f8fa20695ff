// A network made of the pipelines its description names: forward, backward, and the sum of the gradients.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "runtime/batch.h"
#include "runtime/denormals.h"
#include "runtime/description.h"
#include "runtime/failure.h"
#include "runtime/layer.h"
#include "runtime/parallel.h"

namespace castnet {

/// What a step reports. `error` is 0, or the code that a pipeline returned (the network's error_message() says more); then `loss` means
/// nothing.
struct StepResult {
    double loss = 0;
    int error = 0;
};

/// Whether no value is infinite or NaN.
bool all_finite(std::span<const float> values) noexcept;

/// It stays where it was made: neither copied nor moved. One network is used by one thread at a time; several may be, each by its own.
class Network {
public:
    /// Lays the network out for batches of at most `batch_size` images on at most `threads` threads, in `arena`: at least
    /// ArenaLayout(description, batch_size, threads, purpose).bytes() bytes on a 64-byte boundary, which must outlive the network. Without
    /// one the network brings its own, and allocates nothing else. Weights are zero until they are set. Throws nothing: where an argument
    /// breaks this, memory is missing, or the pipelines were compiled for another CPU than this, the network is not ready, and
    /// error_message() says why.
    Network(const NetworkDescription &description, int batch_size, int threads, Purpose purpose = Purpose::training,
            std::span<std::byte> arena = {}) noexcept;
    Network(const Network &) = delete;
    Network &operator=(const Network &) = delete;

    /// Otherwise its tensors are empty, and it does nothing but return errors.
    [[nodiscard]] bool is_ready() const { return arena_ != nullptr; }
    /// What was wrong when its last call failed that did, in one line: where several threads failed in it, the first; "" if none has. Where
    /// it is not ready, why.
    [[nodiscard]] const char *error_message() const { return failure_.message(); }
    /// Keeps a message for error_message(), the first of a call. Returns the error that stands for what no pipeline reports.
    int fail(const char *message) noexcept { return failure_.keep(message); }
    /// The same for a call that is refused at its beginning.
    int refuse(const char *message) noexcept;
    /// Where all that goes, and its pipelines' user context.
    [[nodiscard]] Failure &failure() { return failure_; }
    [[nodiscard]] const NetworkDescription &description() const { return *description_; }
    [[nodiscard]] Purpose purpose() const { return layout_.purpose; }
    [[nodiscard]] int batch_size() const { return layout_.batch_images; }

    /// A tensor with what a block holds of it.
    struct Tensor : TensorDescription {
        std::span<float> values;
    };
    // The description's tensors, all in its order or one layer's; all blocks but the weights are only for training. After writing weights,
    // call weights_changed() before anything else.
    [[nodiscard]] auto tensors(Block block = Block::weights) {
        return Listing(description_->tensors().size(), [this, block](std::size_t i) {
            return Tensor{description_->tensors()[i], i % 2 == 0 ? kernel(i / 2, block) : bias(i / 2, block)};
        });
    }
    [[nodiscard]] std::span<float> kernel(std::size_t layer, Block block = Block::weights) {
        return kernel_of(layout_.block(block), layer);
    }
    [[nodiscard]] std::span<float> bias(std::size_t layer, Block block = Block::weights) { return bias_of(layout_.block(block), layer); }

    int weights_changed() noexcept;

    /// Runs layers first … last - 1 on `images` images: inputs (images, H, W, C) to outputs, dense.
    int forward(std::size_t first, std::size_t last, std::span<const float> inputs, std::span<float> outputs, std::size_t images) noexcept;

    /// The part of the loss that no image decides: the L2 penalties, Σ λ · Σ kernel² over the layers.
    StepResult penalty() noexcept;

    /// The mean squared error of the batch's outputs against its targets, plus the L2 penalties, and every shard's gradients of it. At most
    /// batch_size images; an error where the network is not laid out for training, or the loss is not finite. Allocates nothing, throws
    /// nothing.
    StepResult backward(const Batch &batch) noexcept;

    /// Backward passes in one fork of the threads, each of the batch that next(result of the last one) points to, the first of
    /// next(nullptr), until it is null; after each, update(layer) for every layer, which returns 0 or an error. No callback may throw.
    template <typename Next, typename Update>
    void backward_each(const Next &next, const Update &update) noexcept {
        const FlushDenormals flush;  // in the penalties too
        StepResult result;
        const Batch *batch = nullptr;
        const auto begin_next = [&](const StepResult *last) {
            batch = next(last);
            if (batch == nullptr) return Round{};
            result = begin(*batch);
            return Round{.firsts = Sharding(batch->images).shards, .seconds = static_cast<int>(description_->layers.size())};
        };
        const Round first = begin_next(nullptr);
        work_in_rounds(
            &failure_, layout_.workers, first,
            [&](int worker, int shard) {
                return result.error != 0 ? result.error : backward_shard(worker, Sharding(batch->images), shard, *batch);
            },
            [&](int piece) { return update(largest_first_[static_cast<std::size_t>(piece)]); },
            [&](int error) {
                result.error = explained(error);
                if (error == 0) add_mean_error(result, batch->images);
                return begin_next(&result);
            });
    }

    /// Sums the shards' gradients of one layer into kernel_gradient and bias_gradient, in the shards' order: where
    /// another process's would join.
    int sum_gradients(std::size_t layer) noexcept;

    /// Makes the layer's transposed kernel from its kernel.
    int transpose_kernel(std::size_t layer) noexcept;

    /// A layer's parameters from kernel to bias as one range, with what the optimizer keeps beside it; the lengths are equal.
    struct ParameterRange {
        std::span<float> weights, moments_1, moments_2, gradients;
        const float *shard_gradients;  ///< of the first shard; the next begins shard_stride floats on
        std::size_t shard_stride, shards;
    };
    [[nodiscard]] ParameterRange parameter_range(std::size_t layer) noexcept;

private:
    [[nodiscard]] float *find_arena(int batch_size, int threads, std::span<std::byte> arena) noexcept;
    [[nodiscard]] bool is_for_this_cpu() noexcept;
    int explained(int error) noexcept;
    void index_layers() noexcept;
    // Of the parameters that begin so many floats into the arena.
    [[nodiscard]] std::span<float> kernel_of(std::size_t begin, std::size_t layer) const;
    [[nodiscard]] std::span<float> bias_of(std::size_t begin, std::size_t layer) const;
    [[nodiscard]] float *scratch(int worker) {
        return arena_ + layout_.workers_scratch() + static_cast<std::size_t>(worker) * layout_.scratch;
    }

    [[nodiscard]] LayerWeights weights(std::size_t layer) noexcept;
    StepResult begin(const Batch &batch) noexcept;
    int backward_shard(int worker, const Sharding &sharding, int shard, const Batch &batch) noexcept;
    void add_mean_error(StepResult &result, int images) noexcept;

    Failure failure_;
    const NetworkDescription *description_;
    ArenaLayout layout_;
    struct Free {
        void operator()(float *memory) const noexcept;
    };
    std::unique_ptr<float, Free> owned_;
    float *arena_ = nullptr;
    // In the arena:
    std::span<LayerOffsets> offsets_;
    std::span<std::size_t> largest_first_;  // the layers in the order of their updates, so that the last ones even out the workers
    int shards_ = 0;                        // of the last backward
};

}  // namespace castnet

// A network of the pipelines that its description names: forward, backward, and the sum of the gradients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "runtime/batch.h"
#include "runtime/denormals.h"
#include "runtime/description.h"
#include "runtime/failure.h"
#include "runtime/layer.h"
#include "runtime/parallel.h"

namespace castnet {

/// The result of a step. `error` is 0 or an error code, which error_message() explains; then `loss` means nothing.
struct StepResult {
    double loss = 0;
    int error = 0;
};

/// Returns whether no value is infinite or NaN.
bool all_finite(std::span<const float> values) noexcept;

/// A network and its arena. It can be neither copied nor moved. Use it from one thread at a time; several networks can run at once, each on
/// a thread of its own.
class Network {
public:
    /// Lays the network out for batches of at most `batch_size` images on at most `threads` threads. `arena` has at least
    /// ArenaLayout(description, batch_size, threads, purpose, slots).bytes() bytes on a 64-byte boundary and must outlive the network.
    /// Without one the network allocates its own, and nothing else. Weights are zero until they are set. `slots` are the optimizer's.
    /// Throws nothing: if an argument is wrong, memory is missing, or the pipelines were compiled for another CPU, the network is not
    /// ready, and error_message() says why.
    Network(const NetworkDescription &description, int batch_size, int threads, Purpose purpose = Purpose::training,
            std::span<std::byte> arena = {}, int slots = ArenaLayout::most_slots) noexcept;
    Network(const Network &) = delete;
    Network &operator=(const Network &) = delete;

    /// Returns whether the network works. If not, its tensors are empty, and all it does is return errors.
    [[nodiscard]] bool is_ready() const { return arena_ != nullptr; }
    /// Returns the message of the last failed call, in one line: the first one if several threads failed; "" if none did. Says why the
    /// network is not ready if it is not.
    [[nodiscard]] const char *error_message() const { return failure_.message(); }
    /// Keeps a call's first message for error_message(). Returns -1, the error of all that is not a pipeline's.
    int fail(const char *message) noexcept { return failure_.keep(message); }
    /// Does the same for a call that is refused at its beginning.
    int refuse(const char *message) noexcept;
    /// Returns where messages are kept: the pipelines' user context.
    [[nodiscard]] Failure &failure() { return failure_; }
    [[nodiscard]] const NetworkDescription &description() const { return *description_; }
    [[nodiscard]] Purpose purpose() const { return layout_.purpose; }
    [[nodiscard]] int batch_size() const { return layout_.batch_images; }
    /// Returns the blocks that an optimizer may use: none unless the network is laid out for training.
    [[nodiscard]] std::span<const Block> moments() const;

    /// A tensor and its values in a block.
    struct Tensor : TensorDescription {
        std::span<float> values;
    };
    // Return the description's tensors: all in its order, or one layer's. Gradients and moments are only for training, and for layers that
    // learn; moments only those of moments(). After writing weights, call weights_changed() before anything else.
    [[nodiscard]] auto tensors(Block block = Block::weights) {
        const Tensors which = block == Block::weights ? Tensors::all : Tensors::learned;
        return Listing(description_->tensors(which).size(), [this, block, which](std::size_t i) {
            const std::size_t layer = description_->layer_of(i, which);
            return Tensor{description_->tensors(which)[i], i % 2 == 0 ? kernel(layer, block) : bias(layer, block)};
        });
    }
    [[nodiscard]] std::span<float> kernel(std::size_t layer, Block block = Block::weights) {
        return kernel_of(layout_.block(block), layer);
    }
    [[nodiscard]] std::span<float> bias(std::size_t layer, Block block = Block::weights) { return bias_of(layout_.block(block), layer); }

    int weights_changed() noexcept;

    /// Sets what dropout draws until the next call: masks that follow from the seed and the step's number. Before the first call it drops
    /// nothing, as in inference.
    void draw(std::uint64_t seed, std::uint64_t step) noexcept;

    /// Runs layers first … last - 1 on `images` images, from dense inputs (images, H, W, C) to dense outputs. Neither end lies between an
    /// upsample and the layer that takes it in.
    int forward(std::size_t first, std::size_t last, std::span<const float> inputs, std::span<float> outputs, std::size_t images) noexcept;

    /// Computes the loss of each image against its target, without penalties: the mean over its elements. The spans hold as many of each.
    int losses(std::span<const float> inputs, std::span<const float> targets, std::span<float> losses) noexcept;

    /// Returns the part of the loss that depends on no image: the L2 penalties, Σ λ · Σ kernel² over the layers.
    StepResult penalty() noexcept;

    /// Returns the loss of at most batch_size images, and computes the gradients: every shard's, or the batch's. The loss is the mean of
    /// the network's loss over all elements, plus the L2 penalties. Fails if the network is not laid out for training or the loss is not
    /// finite. Allocates nothing, throws nothing.
    StepResult backward(const Batch &batch) noexcept;

    /// Runs backward passes in one fork of the threads until `next` returns null. next(nullptr) points to the first batch, next(result of
    /// the last pass) to each later one. After each pass calls update(layer) for every layer that learns, which returns 0 or an error. No
    /// callback may throw.
    template <typename Next, typename Update>
    void backward_each(const Next &next, const Update &update) noexcept {
        const FlushDenormals flush;  // in the penalties too
        StepResult result;
        const Batch *batch = nullptr;
        const auto begin_next = [&](const StepResult *last) {
            batch = next(last);
            if (batch == nullptr) return Round{};
            result = begin(*batch);
            return Round{.firsts = sharding(batch->images).shards, .seconds = static_cast<int>(largest_first_.size())};
        };
        const Round first = begin_next(nullptr);
        work_in_rounds(
            &failure_, layout_.workers, first,
            [&](int worker, int shard) {
                return result.error != 0 ? result.error : backward_shard(worker, sharding(batch->images), shard, *batch);
            },
            [&](int piece) {
                const std::size_t layer = largest_first_[static_cast<std::size_t>(piece)];
                const int error = sum_over_batch(layer, *batch);
                return error != 0 ? error : update(layer);
            },
            [&](int error) {
                result.error = explained(error);
                if (error == 0) add_mean_error(result, batch->images);
                return begin_next(&result);
            });
    }

    /// Sums one layer's shard gradients, if it learns, into Block::gradients, in the shards' order. The gradients of a layer that sums over
    /// the batch are there already. Another process's gradients would join here.
    int sum_gradients(std::size_t layer) noexcept;
    /// Does the same within an update.
    int sum_shards(std::size_t layer) noexcept;
    /// Computes Σ values².
    int squared_norm(std::span<const float> values, float &norm) noexcept;

    /// Makes what passes read of the layer's kernel.
    int prepare_kernel(std::size_t layer) noexcept;

    /// The kernel and bias of a layer that learns as one range, and what the optimizer keeps beside it. The lengths are equal.
    struct ParameterRange {
        std::span<float> weights, moments_1, moments_2, gradients;
        const float *shard_gradients;  ///< the first shard's, or the batch's; the next begins shard_stride floats later
        std::size_t shard_stride, shards;
    };
    [[nodiscard]] ParameterRange parameter_range(std::size_t layer) noexcept;

private:
    [[nodiscard]] float *find_arena(int batch_size, int threads, std::span<std::byte> arena) noexcept;
    [[nodiscard]] bool is_for_this_cpu() noexcept;
    int explained(int error) noexcept;
    void index_layers() noexcept;
    /// Returns whether the block of parameters that begins at float `begin` of the arena has the layer's: that of weights has all.
    [[nodiscard]] bool has_block(std::size_t begin, std::size_t layer) const {
        return is_ready() && (begin == layout_.block(Block::weights) || description_->layers[layer].learns());
    }
    // Return a tensor of the parameters that begin at float `begin` of the arena.
    [[nodiscard]] std::span<float> kernel_of(std::size_t begin, std::size_t layer) const;
    [[nodiscard]] std::span<float> bias_of(std::size_t begin, std::size_t layer) const;
    [[nodiscard]] float *scratch(int worker) {
        return arena_ + layout_.workers_scratch() + static_cast<std::size_t>(worker) * layout_.scratch;
    }
    /// Returns the one of a worker's two grids that `other` is not.
    [[nodiscard]] float *free_grid(int worker, const float *other) {
        float *const grid = scratch(worker);
        return other == grid ? grid + layout_.grid : grid;
    }
    /// Returns where a worker's shard, which begins with an image of the batch, has a grid.
    [[nodiscard]] float *grid_at(const GridPlace &place, int worker, std::size_t first_image) {
        return place.image_size > 0 ? arena_ + place.begin + first_image * place.image_size : scratch(worker) + place.begin;
    }

    template <typename End>
    int infer(std::size_t first, std::size_t last, std::span<const float> inputs, std::size_t images, const End &end) noexcept;
    int loss_gradient(const float *kept, const float *targets, float scale, float *gradient, float *errors, int images) noexcept;

    [[nodiscard]] LayerWeights weights(std::size_t layer) noexcept;
    /// Returns a layer's gradients among those that begin at float `begin` of the arena.
    [[nodiscard]] LayerWeights gradients(std::size_t begin, std::size_t layer) const {
        return {.kernel = kernel_of(begin, layer).data(), .bias = bias_of(begin, layer).data()};
    }
    [[nodiscard]] Draw draw_of(std::size_t layer, std::size_t first_image) const noexcept;
    [[nodiscard]] Sharding sharding(int images) const { return {images, layout_.most_shard_images}; }
    StepResult begin(const Batch &batch) noexcept;
    int backward_shard(int worker, const Sharding &shards, int shard, const Batch &batch) noexcept;
    int sum_over_batch(std::size_t layer, const Batch &batch) noexcept;
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
    GridPlace gathered_;                    // what the first layer sees of the batch's examples
    std::span<std::size_t> largest_first_;  // the update order of the layers that learn: small last ones even out the workers
    int shards_ = 0;                        // of the last backward pass
    std::optional<std::uint64_t> draw_;     // the state of the generator from which dropout's keys come
};

}  // namespace castnet

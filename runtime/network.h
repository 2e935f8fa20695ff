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
#include "runtime/exchange.h"
#include "runtime/failure.h"
#include "runtime/layer.h"
#include "runtime/parallel.h"

namespace castnet {

/// The result of a step. `error` is 0 or an error code, which error_message() explains; then `loss` means nothing.
struct StepResult {
    double loss = 0;
    int error = 0;
    std::uint32_t wishes = 0;  ///< all processes' together: see Batch
};

/// Returns whether no value is infinite or NaN.
bool all_finite(std::span<const float> values) noexcept;

/// A network and its arena. It can be neither copied nor moved. Use it from one thread at a time; several networks can run at once, each on
/// a thread of its own.
class Network {
public:
    /// Lays the network out for batches of at most `batch_size` images on at most `threads` threads. `arena` has at least
    /// ArenaLayout(description, batch_size, threads, purpose, slots, place).bytes() bytes on a 64-byte boundary and must outlive the
    /// network. Without one the network allocates its own, and nothing else. Weights are zero until they are set. `slots` are the
    /// optimizer's. Throws nothing: if an argument is wrong, memory is missing, or the pipelines were compiled for another CPU, the network
    /// is not ready, and error_message() says why. `ranks` are the processes that train it together, or null; they must outlive it.
    Network(const NetworkDescription &description, int batch_size, int threads, Purpose purpose = Purpose::training,
            std::span<std::byte> arena = {}, int slots = ArenaLayout::most_slots, Ranks *ranks = nullptr) noexcept;
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

    /// Returns the loss of at most batch_size images, and computes the gradients: every piece's, or the batch's. The loss is the mean of
    /// the network's loss over all elements, plus the L2 penalties. Fails if the network is not laid out for training or the loss is not
    /// finite. Allocates nothing, throws nothing.
    StepResult backward(const Batch &batch) noexcept;

    /// Parameters of layers that learn as one range, what the optimizer keeps beside them, and their gradients: the sum of at most
    /// ArenaLayout::summed_at_once rows. The lengths are equal.
    struct ParameterRange {
        std::span<float> weights, moments_1, moments_2;
        const float *gradients;  ///< the first row; the next begins row_stride floats later
        std::size_t row_stride, rows;
    };

    /// Runs backward passes in one fork of the threads until `next` returns null. next(nullptr) points to the first batch, next(result of
    /// the last pass) to each later one. After each pass updates the layers that learn: calls update.step(range) for ranges that cover
    /// their parameters, and then update.finish(layer) for each. If update.needs_sums(), calls update.clip(layer) before, when
    /// Block::gradients has the layer's gradients, and step() gets what it made of them. These return 0 or an error. No callback may throw.
    template <typename Next, typename Update>
    void backward_each(const Next &next, const Update &update) noexcept {
        const FlushDenormals flush;  // in the penalties too
        StepResult result;
        const Batch *batch = nullptr;
        Phase phase = Phase::backward;
        const auto begin_next = [&](const StepResult *last) {
            batch = next(last);
            if (batch == nullptr) return Round{};
            result = begin(*batch);
            phase = Phase::backward;
            if (result.error != 0) return Round{.firsts = 1};  // which reports it
            return Round{.firsts = static_cast<int>(pieces_.size()), .seconds = static_cast<int>(largest_first_.size())};
        };
        const Round first = begin_next(nullptr);
        work_in_rounds(
            &failure_, layout_.workers, first,
            [&](int worker, int piece) {
                if (phase == Phase::step) return update.clip(largest_first_[static_cast<std::size_t>(piece)]);
                return result.error != 0 ? result.error : backward_piece(worker, pieces_[static_cast<std::size_t>(piece)], *batch);
            },
            [&](int piece) {
                const auto index = static_cast<std::size_t>(piece);
                switch (phase) {
                case Phase::backward:
                    return exchange_ ? sum_pieces(largest_first_[index]) : update_layer(largest_first_[index], *batch, update);
                case Phase::sum:
                    return complete_sums(piece, *batch);
                case Phase::step:
                    return step_on(piece, *batch, update);
                default:
                    return update.finish(largest_first_[index]);
                }
            },
            [&](int error) {
                result.error = explained(error);
                if (exchange_) {
                    const Round following = next_phase(phase, *batch, result, update.needs_sums());
                    if (following.size() > 0) return following;
                }
                if (result.error == 0) add_mean_error(result, batch->images);
                return begin_next(&result);
            });
    }

    /// Sums one layer's gradients, if it learns, into Block::gradients. Those of a layer that sums over the batch are there already.
    int sum_gradients(std::size_t layer) noexcept;
    /// Computes Σ values².
    int squared_norm(std::span<const float> values, float &norm) noexcept;

    /// Makes what passes read of the layer's kernel.
    int prepare_kernel(std::size_t layer) noexcept;

    /// Gives every process the moments that the others keep. All of them call it. Returns 0 or an error.
    int gather_moments() noexcept;

    /// Returns the parameters of a layer, with its gradients in Block::gradients.
    [[nodiscard]] ParameterRange layer_range(std::size_t layer) noexcept;

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
    /// Returns where a worker's piece, which begins with an image of the batch, has a grid.
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
    StepResult begin(const Batch &batch) noexcept;
    void list_pieces(const Sharding &batch) noexcept;
    int backward_piece(int worker, const SubtreeSum &piece, const Batch &batch) noexcept;
    /// What a worker knows when it computes the gradients of one layer's weights for a piece.
    struct WeightsPass {
        std::size_t layer;
        const Sharding &batch;
        int first_image;                ///< of the piece
        const float *input, *gradient;  ///< the layer's for the piece's images; the gradient is its output's
        float *scratch;
    };
    int sum_shards(const WeightsPass &pass, const Subtree &node, float *sum, float *spare) noexcept;
    int sum_over_batch(std::size_t layer, const Batch &batch) noexcept;
    void add_mean_error(StepResult &result, int images) noexcept;

    int add_rows(const float *rows, std::size_t count, std::size_t stride, float *sum, std::size_t size) noexcept;
    int sum_tree(std::span<const SubtreeSum> sums, const Subtree &node, std::size_t begin, std::size_t size) noexcept;
    [[nodiscard]] int piece_shards() const { return layout_.piece_images / batch_.images_per_shard; }
    [[nodiscard]] int summed_shards() const noexcept;
    int sum_pieces(std::size_t layer) noexcept;
    int sum_rows(std::size_t layer) noexcept;

    /// Updates a layer that learns, in the only process.
    template <typename Update>
    int update_layer(std::size_t layer, const Batch &batch, const Update &update) noexcept {
        const bool needs_sums = update.needs_sums();
        int error = sum_over_batch(layer, batch);
        if (error == 0) error = sum_pieces(layer);
        if (error == 0 && needs_sums) error = sum_rows(layer);
        if (error == 0 && needs_sums) error = update.clip(layer);
        if (error == 0) error = update.step(needs_sums ? layer_range(layer) : sharded_range(layer));
        return error != 0 ? error : update.finish(layer);
    }
    [[nodiscard]] ParameterRange range_at(std::size_t begin, std::size_t size) noexcept;
    [[nodiscard]] ParameterRange sharded_range(std::size_t layer) noexcept;
    [[nodiscard]] std::size_t layer_floats(std::size_t layer) const { return ArenaLayout::parameter_floats(description_->layers[layer]); }

    // Among several processes a step has phases. Each process sums its own subtrees, and tells the others; completes the sums of its slice
    // of the parameters, and updates it; then gets everyone's weights.
    enum class Phase { backward, sum, step, finish };
    Round next_phase(Phase &phase, const Batch &batch, StepResult &result, bool needs_sums) noexcept;
    /// Returns the parts that this process updates: of its slice as many as it has workers, then the layers whose gradients it computes.
    [[nodiscard]] int parts() const { return layout_.workers + exchange_->owned_layers(); }
    [[nodiscard]] ParameterRange part_range(int part) noexcept;
    int complete_sums(int part, const Batch &batch) noexcept;
    template <typename Update>
    int step_on(int part, const Batch &batch, const Update &update) noexcept {
        const int error = update.needs_sums() ? 0 : complete_sums(part, batch);  // otherwise they are complete
        return error != 0 ? error : update.step(part_range(part));
    }

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
    Sharding batch_{0, 1};                  // of the last backward pass
    std::span<SubtreeSum> pieces_;          // this process's of that batch, each with a row of gradients
    std::optional<Exchange> exchange_;      // with the other processes, if there are any
    std::optional<std::uint64_t> draw_;     // the state of the generator from which dropout's keys come
};

}  // namespace castnet

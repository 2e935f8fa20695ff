// A network as constexpr data: what a generated header NAME.h holds.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "runtime/listing.h"
#include "runtime/sharding.h"

namespace castnet {

// What machines must have. Nothing is tested on others: model files and the bits of floats are little-endian.
static_assert(std::endian::native == std::endian::little, "big-endian machines are not supported");
static_assert(sizeof(std::size_t) >= 4, "machines whose sizes have fewer than 32 bits are not supported");
static_assert(sizeof(float) == 4 && std::numeric_limits<float>::is_iec559, "floats other than IEEE 754's of 32 bits are not supported");

/// The shape of an image or grid. In memory channels are innermost, then columns, then rows.
struct Shape {
    int height = 0, width = 0, channels = 0;

    [[nodiscard]] constexpr std::size_t size() const {
        return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    }
    /// Returns the shape of the same pixels in one row.
    [[nodiscard]] constexpr Shape flat() const { return {1, height * width, channels}; }
    constexpr bool operator==(const Shape &) const = default;
};

/// The bilinear map between two grids that a layer's contractions compute with a kernel: see generators/contraction.h.
struct Geometry {
    Shape large, small;
    int kernel_height = 1, kernel_width = 1;
    int stride_y = 1, stride_x = 1;
    int pad_y = 0, pad_x = 0;  ///< zeros before the first row and column of the large grid
    bool makes_large = false;  ///< the forward pass makes the large grid from the small one

    [[nodiscard]] constexpr const Shape &input() const { return makes_large ? small : large; }
    /// Returns the kernel's shape in C order.
    [[nodiscard]] constexpr std::array<std::size_t, 4> kernel_shape() const {
        return {static_cast<std::size_t>(kernel_height), static_cast<std::size_t>(kernel_width), static_cast<std::size_t>(large.channels),
                static_cast<std::size_t>(small.channels)};
    }
    [[nodiscard]] constexpr std::size_t kernel_size() const {
        const auto [height, width, large_channels, small_channels] = kernel_shape();
        return height * width * large_channels * small_channels;
    }
};

class Failure;
struct ForwardOperands;
struct BackwardDataOperands;
struct BackwardWeightsOperands;
struct StretchKernelOperands;
struct TransposeKernelOperands;
struct FoldGradientOperands;
struct ActivateOperands;
struct LossOperands;
struct AdamOperands;
struct SgdOperands;
struct MomentumOperands;
struct SquaredNormOperands;
struct SumShardsOperands;
struct FmaPeakOperands;

/// A compiled pipeline, with its operands from runtime/pipelines.h. Returns 0 or Halide's error code; `failure` keeps the message.
template <typename Operands>
using Pipeline = int (*)(Failure &failure, const Operands &operands);

enum class LayerKind {
    conv2d,
    conv2d_transpose,
    dense,  ///< a conv2d whose kernel covers its grid
    // Without weights, channel by channel:
    max_pool,
    average_pool,
    upsample,
    dropout,
};

/// Returns the kind's name in the network language.
constexpr std::string_view name_of(LayerKind kind) {
    switch (kind) {
    case LayerKind::conv2d:
        return "conv2d";
    case LayerKind::conv2d_transpose:
        return "conv2d_transpose";
    case LayerKind::dense:
        return "dense";
    case LayerKind::max_pool:
        return "max_pool";
    case LayerKind::average_pool:
        return "average_pool";
    case LayerKind::upsample:
        return "upsample";
    default:
        return "dropout";
    }
}

constexpr bool has_weights(LayerKind kind) {
    return kind == LayerKind::conv2d || kind == LayerKind::conv2d_transpose || kind == LayerKind::dense;
}

/// A tensor of a network's weights, in Keras's layout and C order.
struct TensorDescription {
    std::string_view layer, kind;  ///< Keras's name is LAYER/kernel or LAYER/bias
    std::array<std::size_t, 4> extents{};
    std::size_t dimensions = 0;

    [[nodiscard]] constexpr std::span<const std::size_t> shape() const { return std::span(extents).first(dimensions); }
};

struct LayerDescription {
    std::string_view name;       ///< from name=, or else Keras's
    std::string_view text;       ///< the layer as written
    std::string_view canonical;  ///< the same with every key: layers that compute the same read the same
    LayerKind kind = LayerKind::conv2d;
    Shape input, output;
    int kernel_height = 1, kernel_width = 1;  ///< of a pool its window; of upsample its factors, as the stride
    int stride_y = 1, stride_x = 1;
    int pad_y = 0, pad_x = 0;        ///< zeros before the first row and column of the large grid; pools leave them out
    std::string_view activation;     ///< its name in the network language
    std::string_view interpolation;  ///< of upsample: nearest or bilinear
    float rate = 0;                  ///< of dropout: the share of numbers that become 0 in training
    float l2 = 0;                    ///< λ; adds λ · Σ kernel² to the loss
    bool trainable = true;           ///< its weights, if it has any, change in training
    bool keeps_sums = false;         ///< forward ends with the sums, and activate makes the output of them: both are kept while it trains
    bool is_taken_in = false;        ///< an upsample that the next layer computes with its own map: it has no pipelines and no output
    int upsampled_y = 1, upsampled_x = 1;  ///< of a conv2d that takes in the upsample before it: that one's factors
    Pipeline<ForwardOperands> forward = nullptr;
    Pipeline<ActivateOperands> activate = nullptr;                 ///< null unless it keeps sums
    Pipeline<BackwardDataOperands> backward_data = nullptr;        ///< null up to the first layer that learns
    Pipeline<BackwardWeightsOperands> backward_weights = nullptr;  ///< null unless the layer learns
    Pipeline<FoldGradientOperands> fold_gradient = nullptr;        ///< makes the kernel's gradient of its map's; null if they are one
    Pipeline<StretchKernelOperands> stretch_kernel = nullptr;      ///< makes the map's kernel of the layer's; null if they are one
    Pipeline<TransposeKernelOperands> transpose_kernel = nullptr;  ///< makes the kernel that `spread` reads; null if nothing spreads

    [[nodiscard]] constexpr bool has_weights() const { return castnet::has_weights(kind); }
    /// Returns whether training changes it.
    [[nodiscard]] constexpr bool learns() const { return has_weights() && trainable; }
    /// Returns whether the layer makes the larger grid from the smaller one.
    [[nodiscard]] constexpr bool is_transposed() const { return kind == LayerKind::conv2d_transpose || kind == LayerKind::upsample; }
    [[nodiscard]] constexpr bool takes_in_upsample() const { return upsampled_y * upsampled_x > 1; }
    /// Returns whether training computes its gradients once over a batch instead of shard by shard. A shard's gradients are written, and
    /// read again to be summed: for shards of 16 images that moves an eighth of the kernel per image. A whole batch's pass instead reads
    /// input and output gradient of every image again.
    [[nodiscard]] constexpr bool sums_over_batch() const {
        return learns() && !takes_in_upsample() && 8 * (input.size() + output.size()) <= kernel_size();
    }

    /// Returns the layer's map as its statement has it, with the kernel in Keras's shape: (height, width, in, out), or
    /// (height, width, out, in) if the layer is transposed.
    [[nodiscard]] constexpr Geometry own_geometry() const {
        return {.large = is_transposed() ? output : input,
                .small = is_transposed() ? input : output,
                .kernel_height = kernel_height,
                .kernel_width = kernel_width,
                .stride_y = stride_y,
                .stride_x = stride_x,
                .pad_y = pad_y,
                .pad_x = pad_x,
                .makes_large = is_transposed()};
    }
    /// Returns the map that its pipelines compute. A conv2d with an upsample by s before it is a transposed convolution with stride s,
    /// whose kernel is longer by s - 1: each of its taps is a sum of the layer's (generators/stretched_map.h).
    [[nodiscard]] constexpr Geometry geometry() const {
        if (!takes_in_upsample()) return own_geometry();
        return {.large = output,
                .small = {input.height / upsampled_y, input.width / upsampled_x, input.channels},
                .kernel_height = kernel_height + upsampled_y - 1,
                .kernel_width = kernel_width + upsampled_x - 1,
                .stride_y = upsampled_y,
                .stride_x = upsampled_x,
                .pad_y = kernel_height - 1 - pad_y,
                .pad_x = kernel_width - 1 - pad_x,
                .makes_large = true};
    }

    [[nodiscard]] constexpr std::array<std::size_t, 4> kernel_shape() const { return own_geometry().kernel_shape(); }
    [[nodiscard]] constexpr std::size_t kernel_size() const { return has_weights() ? own_geometry().kernel_size() : 0; }
    /// Returns the floats of the map's kernel.
    [[nodiscard]] constexpr std::size_t map_kernel_size() const { return has_weights() ? geometry().kernel_size() : 0; }
    /// Returns the multiply-adds of one pass per image, including taps on padding.
    [[nodiscard]] constexpr std::size_t multiply_adds() const {
        const Shape small = geometry().small;
        return static_cast<std::size_t>(small.height) * static_cast<std::size_t>(small.width) * map_kernel_size();
    }
    [[nodiscard]] constexpr std::size_t bias_size() const { return has_weights() ? static_cast<std::size_t>(output.channels) : 0; }
    [[nodiscard]] constexpr std::size_t parameter_count() const { return kernel_size() + bias_size(); }
    /// Describes the kernel in Keras's shape: kernel_shape(), and (in, out) for dense.
    [[nodiscard]] constexpr TensorDescription kernel() const {
        if (kind != LayerKind::dense) return {name, "kernel", kernel_shape(), 4};
        return {name, "kernel", {input.size(), bias_size()}, 2};
    }
    [[nodiscard]] constexpr TensorDescription bias() const { return {name, "bias", {bias_size()}, 1}; }
};

/// Which of a network's tensors: all its weights, or those of layers that learn.
enum class Tensors { all, learned };

struct NetworkDescription {
    std::string_view name;
    std::span<const LayerDescription> layers;
    std::size_t encoder_layers = 0;  ///< the number of layers up to the code
    Shape input, code, output;       ///< of images, codes and outputs; a layer beside them may see the same numbers in another shape
    std::string_view loss = "mean_squared_error";  ///< its name in the network language
    Pipeline<LossOperands> loss_gradient = nullptr;
    // Shared by all layers:
    Pipeline<AdamOperands> adam = nullptr;
    Pipeline<SgdOperands> sgd = nullptr;
    Pipeline<MomentumOperands> momentum = nullptr;
    Pipeline<SquaredNormOperands> squared_norm = nullptr;
    Pipeline<SumShardsOperands> sum_shards = nullptr;
    Pipeline<FmaPeakOperands> fma_peak = nullptr;  ///< measures the machine
    std::string_view target{};                     ///< Halide's, which all pipelines were compiled for; empty: any CPU has what they need
    std::string_view level{};  ///< the target's name: its architecture and vectors, as x86-64-avx2. Bits are equal within a level

    /// Returns the index of the layer that a tensor of tensors(which) belongs to.
    [[nodiscard]] constexpr std::size_t layer_of(std::size_t tensor, Tensors which = Tensors::all) const {
        std::size_t layer = 0;
        for (std::size_t before = tensor / 2;; layer++) {
            if (has_tensors(layers[layer], which) && before-- == 0) return layer;
        }
    }
    /// Lists tensors in the order that weights have everywhere: each layer's kernel, then its bias.
    [[nodiscard]] constexpr auto tensors(Tensors which = Tensors::all) const {
        std::size_t count = 0;
        for (const LayerDescription &layer : layers) count += has_tensors(layer, which) ? 2U : 0U;
        return Listing(count, [*this, which](std::size_t i) {
            const LayerDescription &layer = layers[layer_of(i, which)];
            return i % 2 == 0 ? layer.kernel() : layer.bias();
        });
    }
    /// Returns the index of the first layer that learns: below it there is no backward pass.
    [[nodiscard]] constexpr std::size_t first_to_learn() const {
        std::size_t layer = 0;
        while (!layers[layer].learns()) layer++;
        return layer;
    }
    /// Returns the most images of a piece. Each piece's gradients go to memory and back, so that fewer, larger pieces move less. But what
    /// one keeps of every layer should leave room for the weights in a second-level cache of 1 MiB or more.
    [[nodiscard]] constexpr int most_piece_images() const {
        constexpr std::size_t most_bytes = 640U << 10U, least = 16, most = 64;
        std::size_t floats = input.size();
        for (const LayerDescription &layer : layers) floats += layer.is_taken_in ? 0 : layer.output.size() * (layer.keeps_sums ? 2U : 1U);
        return static_cast<int>(std::clamp(most_bytes / (floats * sizeof(float)), least, most));
    }
    /// Returns the least images of a shard, a power of two: whose multiply-adds are many beside the gradients that each shard writes, and
    /// that are read again to be summed. On the default network, of 126 to a gradient and image, shards of two took 1 to 3 % longer than of
    /// eight (amd-25-17).
    [[nodiscard]] constexpr int least_shard_images() const {
        constexpr std::size_t least_multiply_adds = 192;
        std::size_t gradients = 0;
        for (const LayerDescription &layer : layers) gradients += layer.learns() && !layer.sums_over_batch() ? layer.parameter_count() : 0;
        int images = 1;
        while (images < Sharding::most_images &&
               static_cast<std::size_t>(images) * training_multiply_adds() < least_multiply_adds * gradients)
            images *= 2;
        return images;
    }
    /// Returns the shards of a training step.
    [[nodiscard]] constexpr Sharding sharding(int images) const { return Sharding::of_step(images, least_shard_images()); }
    /// Returns the multiply-adds of inference per image.
    [[nodiscard]] constexpr std::size_t forward_multiply_adds() const {
        std::size_t count = 0;
        for (const LayerDescription &layer : layers) count += layer.multiply_adds();
        return count;
    }
    /// Returns the multiply-adds of a training step per image: forward of every layer, backward_weights of those that learn, and
    /// backward_data behind the first of these.
    [[nodiscard]] constexpr std::size_t training_multiply_adds() const {
        std::size_t count = forward_multiply_adds();
        for (std::size_t l = first_to_learn(); l < layers.size(); l++)
            count += layers[l].multiply_adds() * ((layers[l].learns() ? 1U : 0U) + (l > first_to_learn() ? 1U : 0U));
        return count;
    }
    [[nodiscard]] constexpr std::size_t parameter_count() const {
        std::size_t count = 0;
        for (const LayerDescription &layer : layers) count += layer.parameter_count();
        return count;
    }

private:
    static constexpr bool has_tensors(const LayerDescription &layer, Tensors which) {
        return which == Tensors::all ? layer.has_weights() : layer.learns();
    }
};

/// What a network is laid out for. For inference it has weights and two grids per worker, but no gradients, moments or kept activations.
enum class Purpose { training, inference };

/// Which of several processes a network belongs to that train it together.
struct Place {
    int rank = 0, ranks = 1;
};

/// The blocks of an arena: a weight for every parameter, and the rest for those that are learned. Inference has only weights. There are as
/// many moments as the optimizer has slots: Adam's first and second, or the velocity of SGD with momentum.
enum class Block { weights, moments_1, moments_2, gradients };

/// Where a grid begins, in floats: a piece's in a worker's scratch space, or a batch's in the arena.
struct GridPlace {
    std::size_t begin = 0;
    std::size_t image_size = 0;  ///< floats of each of a batch's images; 0 if the place is in scratch space
};

/// Where a layer's tensors begin, in floats.
struct LayerOffsets {
    std::size_t kernel = 0, bias = 0;  ///< in each block of parameters
    std::size_t prepared = 0;          ///< from the start of the arena
    GridPlace output{};
    GridPlace kept{};             ///< the sums if the layer keeps them, otherwise the output
    GridPlace output_gradient{};  ///< of a layer that sums over the batch
    int owner = 0;                ///< of a layer that sums over the batch: the process that computes its gradients
};

/// The sum of a subtree's gradients: a float for each parameter of the sharded layers, or for those that a process completes.
struct SubtreeSum {
    Subtree node;
    float *values = nullptr;
};

/// The bytes of an arena by their use.
struct MemoryUse {
    std::uint64_t weights = 0;      ///< kernels, what passes read of them, and biases
    std::uint64_t optimizer = 0;    ///< moments
    std::uint64_t gradients = 0;    ///< of every piece, and their sum
    std::uint64_t activations = 0;  ///< every worker's and the batch's layer outputs, their gradients, and gathered images
};

/// The layout of a network's arena, with offsets in floats. Every tensor begins on a 64-byte boundary. The numbers have 64 bits on any
/// target; is_addressable() tells whether the target can address them.
class ArenaLayout {
public:
    static constexpr std::size_t alignment = 64;
    static constexpr std::uint64_t step = alignment / sizeof(float);
    /// The most elements of an operand: Halide counts them in 32 bits.
    static constexpr std::uint64_t most_elements = std::numeric_limits<std::int32_t>::max() / step * step;
    static constexpr int most_slots = 2;
    static constexpr int piece_limit = 1 << 19;  // with the layers, fewer than a Round can hold

    constexpr ArenaLayout(const NetworkDescription &network, int batch_size, int threads, Purpose purpose_ = Purpose::training,
                          int optimizer_slots = most_slots, const Place &place_ = {})
        : batch_images(batch_size),
          piece_images(images_of_piece(network, batch_size, threads, place_)),
          pieces(most_pieces(network, batch_size, place_, piece_images)),
          workers(std::min(threads, std::max(1, pieces))),
          place(place_),
          purpose(purpose_),
          slots(purpose == Purpose::training ? optimizer_slots : 0) {
        std::uint64_t largest = 0;  // of the layers whose gradients each shard has
        for (std::size_t l = 0; l < network.layers.size(); l++) {
            const LayerDescription &layer = network.layers[l];
            const std::uint64_t floats_of_layer = parameter_floats(layer);
            parameters += floats_of_layer;
            if (layer.learns()) learned += floats_of_layer;
            if (layer.learns() && !layer.sums_over_batch()) {
                sharded += floats_of_layer;
                largest = std::max(largest, floats_of_layer);
            }
            prepared += prepared_size(layer);
            // A worker folds the gradient of a map's kernel where it has room for a grid.
            if (layer.takes_in_upsample() && purpose == Purpose::training) grid = std::max(grid, padded(layer.map_kernel_size()));
            if (layer.is_taken_in) continue;
            const std::uint64_t size = padded(layer.output.size() * static_cast<std::uint64_t>(largest_piece()));
            if (keeps_activation(network, l)) activations += size * ((is_of_batch(network, l) ? 0U : 1U) + (layer.keeps_sums ? 1U : 0U));
            grid = std::max(grid, size);
            if (!layer.sums_over_batch()) continue;
            for (const Shape &shape : {layer.input, layer.output}) {
                batch_grids += batch_grid(shape);
                largest_batch_grid = std::max(largest_batch_grid, batch_grid(shape));
            }
        }
        if (!network.layers.front().sums_over_batch()) input = padded(network.input.size() * static_cast<std::uint64_t>(largest_piece()));
        for (int shards = piece_images; shards > 1; shards = divide_up(shards, summed_at_once)) spare += summed_at_once * largest;
        scratch = 2 * grid + (purpose == Purpose::training ? input + activations + spare : 0);
        if (place.ranks > 1 && purpose == Purpose::training) add_exchange(network);
        const std::size_t entries = network.layers.size() * (sizeof(LayerOffsets) + sizeof(std::size_t)) +
                                    static_cast<std::size_t>(pieces + received_sums) * sizeof(SubtreeSum) +
                                    static_cast<std::size_t>(place.ranks > 1 ? counts_of_rank * place.ranks : 0) * sizeof(int);
        index = padded((entries + sizeof(float) - 1) / sizeof(float));
    }

    int batch_images;  ///< at most
    int piece_images;  ///< in most pieces, a power of two: subtrees whose gradients a worker computes at once
    int pieces;        ///< at most, in any such batch
    int workers;       ///< that run at once, each with its own scratch space
    Place place;
    std::uint64_t parameters = 0;  ///< floats of all kernels and biases
    std::uint64_t learned = 0;     ///< floats of those that training changes, as of each moment
    std::uint64_t sharded = 0;     ///< floats of those whose gradients each piece has
    std::uint64_t prepared = 0;    ///< floats of the kernels that passes read beside the layers' own
    Purpose purpose;
    int slots;                      ///< blocks of moments, 0 to most_slots
    std::uint64_t grid = 0;         ///< floats of a piece's largest layer output or its gradient; two per worker
    std::uint64_t input = 0;        ///< floats of a piece's gathered images; per worker, for training
    std::uint64_t activations = 0;  ///< floats of the layer outputs that a piece keeps; per worker, for training
    std::uint64_t spare = 0;        ///< floats of the gradients of one layer within a piece; per worker, for training
    std::uint64_t scratch = 0;      ///< floats of all that a worker has
    std::uint64_t batch_grids = 0;  ///< floats of what layers that sum over the batch read: inputs and output gradients, for training
    std::uint64_t largest_batch_grid = 0;  ///< floats of one of these
    std::uint64_t sent = 0, received = 0;  ///< floats that this process sends to all others at once and gets from them, at most
    int received_sums = 0;                 ///< sums of subtrees among them, at most
    std::uint64_t index = 0;               ///< floats of the layers' offsets and update order, and of the lists of sums and of counts

    // Offsets, in this order: the blocks, each with the sharded layers' parameters first and the frozen layers' last; for training, the
    // pieces' gradients, the images' errors, the batch's grids and what processes exchange; prepared kernels; the workers' scratch space;
    // the index.
    [[nodiscard]] constexpr std::uint64_t block(Block which) const {
        if (which == Block::weights) return 0;
        const int before = which == Block::gradients ? slots : static_cast<int>(which) - 1;
        return parameters + static_cast<std::uint64_t>(before) * learned;
    }
    [[nodiscard]] constexpr std::uint64_t piece_gradients() const { return block(Block::gradients) + learned; }
    [[nodiscard]] constexpr std::uint64_t errors() const { return piece_gradients() + sharded * static_cast<std::uint64_t>(pieces); }
    [[nodiscard]] constexpr std::uint64_t first_batch_grid() const { return errors() + padded(static_cast<std::uint64_t>(batch_images)); }
    [[nodiscard]] constexpr std::uint64_t exchanged() const { return first_batch_grid() + batch_grids; }
    [[nodiscard]] constexpr std::uint64_t prepared_kernels() const {
        return purpose == Purpose::training ? exchanged() + sent + received : parameters;
    }
    [[nodiscard]] constexpr std::uint64_t workers_scratch() const { return prepared_kernels() + prepared; }
    [[nodiscard]] constexpr std::uint64_t layer_index() const { return workers_scratch() + scratch * static_cast<std::uint64_t>(workers); }
    [[nodiscard]] constexpr std::uint64_t floats() const { return layer_index() + index; }
    [[nodiscard]] constexpr std::uint64_t bytes() const { return floats() * sizeof(float); }

    /// Returns whether such an arena can exist: Halide's 32 bits count the elements of each operand, a round holds all pieces, and memory
    /// has so many bytes.
    [[nodiscard]] constexpr bool is_addressable() const {
        if (batch_images < 1 || workers < 1 || pieces >= piece_limit) return false;
        const bool trains = purpose == Purpose::training;
        const std::uint64_t all_gradients = sharded * static_cast<std::uint64_t>(pieces);
        constexpr std::uint64_t most_bytes = std::numeric_limits<std::ptrdiff_t>::max();
        return std::max(grid, input) <= most_elements &&
               (!trains || std::max({all_gradients, largest_batch_grid, sent, received}) <= most_elements) && bytes() <= most_bytes;
    }

    [[nodiscard]] constexpr MemoryUse memory() const {
        const bool trains = purpose == Purpose::training;
        return {.weights = (parameters + prepared + index) * sizeof(float),
                .optimizer = static_cast<std::uint64_t>(slots) * learned * sizeof(float),
                .gradients = (trains ? first_batch_grid() - block(Block::gradients) + sent + received : 0) * sizeof(float),
                .activations = (layer_index() - workers_scratch() + (trains ? batch_grids : 0)) * sizeof(float)};
    }

    /// Returns whether a layer's output is kept for the backward pass: what the first layer that learns reads, and all that follows.
    static constexpr bool keeps_activation(const NetworkDescription &network, std::size_t layer) {
        const std::size_t first = network.first_to_learn();
        return layer + (first > 0 && network.layers[first - 1].is_taken_in ? 2 : 1) >= first;
    }

    /// Returns whether a layer's output is kept for the whole batch, not for a piece: the next layer sums over the batch.
    static constexpr bool is_of_batch(const NetworkDescription &network, std::size_t layer) {
        return layer + 1 < network.layers.size() && network.layers[layer + 1].sums_over_batch();
    }
    /// Returns the floats of a grid of every image in a batch.
    [[nodiscard]] constexpr std::uint64_t batch_grid(const Shape &shape) const {
        return padded(shape.size() * static_cast<std::uint64_t>(batch_images));
    }

    /// Returns the floats of the kernels that passes read beside the layer's own: the map's, if it is another, and that transposed. The
    /// latter counts even without transpose_kernel: a first convolution's kernel is small.
    static constexpr std::uint64_t prepared_size(const LayerDescription &layer) {
        return padded(layer.map_kernel_size()) * (layer.takes_in_upsample() ? 2 : 1);
    }

    /// Returns the floats of a layer's kernel and bias in a block.
    static constexpr std::uint64_t parameter_floats(const LayerDescription &layer) {
        return padded(layer.kernel_size()) + padded(layer.bias_size());
    }
    /// Rounds `floats` up to the alignment.
    static constexpr std::uint64_t padded(std::uint64_t floats) { return (floats + step - 1) / step * step; }

    /// The rows of gradients that a pipeline sums at once: two levels of the tree (generators/tree.h).
    static constexpr int summed_at_once = 4;

    /// Returns where the floats begin of the sharded layers that a process completes and updates: as many as any other, up to a vector's.
    [[nodiscard]] constexpr std::uint64_t slice_begin(int rank) const {
        return sharded / step * static_cast<std::uint64_t>(rank) / static_cast<std::uint64_t>(place.ranks) * step;
    }
    [[nodiscard]] constexpr std::uint64_t slice_size(int rank) const { return slice_begin(rank + 1) - slice_begin(rank); }

    /// Returns the process that computes the gradients of a layer that sums over the batch. The largest ones go around.
    static constexpr int owner(const NetworkDescription &network, std::size_t layer, int ranks) {
        const std::size_t size = network.layers[layer].parameter_count();
        int before = 0;
        for (std::size_t l = 0; l < network.layers.size(); l++) {
            const std::size_t other = network.layers[l].parameter_count();
            if (network.layers[l].sums_over_batch() && (other > size || (other == size && l < layer))) before++;
        }
        return before % ranks;
    }

    /// A message begins with the state of its sender, then has its images' errors, the sums of its subtrees in the receiver's slice, and
    /// its images' inputs and output gradients of the layers whose gradients the receiver computes: each on a 64-byte boundary.
    static constexpr std::uint64_t state_size = step;
    static constexpr int counts_of_rank = 4;  ///< of floats in a message to it and from it, in its slice and of the layers it owns

    /// Returns the floats of the message from one process to another about a batch.
    [[nodiscard]] constexpr std::uint64_t message_size(const NetworkDescription &network, const Sharding &batch, int from, int to) const {
        const ShardRange range = batch.range_of(from, place.ranks);
        const auto images = static_cast<std::uint64_t>(batch.images_in(range.begin, range.end));
        std::uint64_t size =
            state_size + padded(images) + slice_size(to) * static_cast<std::uint64_t>(batch.count_subtrees(range, Sharding::all));
        for (std::size_t l = 0; l < network.layers.size(); l++) {
            const LayerDescription &layer = network.layers[l];
            if (layer.sums_over_batch() && owner(network, l, place.ranks) == to)
                size += padded(images * layer.input.size()) + padded(images * layer.output.size());
        }
        return size;
    }

    /// Returns the most images of a piece.
    [[nodiscard]] constexpr int largest_piece() const { return std::min(batch_images, piece_images); }

private:
    /// Makes room for the messages about any batch.
    constexpr void add_exchange(const NetworkDescription &network) {
        Sharding::for_each(batch_images, network.least_shard_images(), [&](const Sharding &batch) {
            std::uint64_t to_all = 0, from_all = 0;
            int sums = 0;
            for (int rank = 0; rank < place.ranks; rank++) {
                to_all += message_size(network, batch, place.rank, rank);
                from_all += message_size(network, batch, rank, place.rank);
                sums += batch.count_subtrees(batch.range_of(rank, place.ranks), Sharding::all);
            }
            sent = std::max(sent, to_all);
            received = std::max(received, from_all);
            received_sums = std::max(received_sums, sums);
        });
    }

    /// Returns the images of a piece, a power of two: as many as the network's most_piece_images(), but so few that all workers find
    /// pieces. Four or more even out two workers; a number of workers that is no power of two wants more.
    static constexpr int images_of_piece(const NetworkDescription &network, int batch_size, int threads, const Place &place) {
        const Sharding batch = network.sharding(batch_size);
        const int images = std::min(batch_size, divide_up(batch.shards, place.ranks) * batch.images_per_shard);
        const auto workers = static_cast<unsigned>(std::clamp(threads, 1, piece_limit));
        const int wanted =
            std::has_single_bit(workers) ? std::max(4, static_cast<int>(workers)) : static_cast<int>(4 * std::bit_ceil(workers));
        int size = batch.images_per_shard;
        while (2 * size <= network.most_piece_images() && divide_up(images, 2 * size) >= wanted) size *= 2;
        return size;
    }

    /// Returns the most pieces that a process has of any batch of at most `batch_size` images.
    static constexpr int most_pieces(const NetworkDescription &network, int batch_size, const Place &place, int piece_images) {
        if (place.ranks == 1) return divide_up(batch_size, piece_images);
        int most = 0;
        Sharding::for_each(batch_size, network.least_shard_images(), [&](const Sharding &batch) {
            most = std::max(most, batch.count_subtrees(batch.range_of(place.rank, place.ranks), piece_images / batch.images_per_shard));
        });
        return most;
    }
};

/// Returns the size of an arena that no memory holds. In a constant expression the compiler stops here.
inline std::size_t no_such_arena() {
    return std::numeric_limits<std::size_t>::max();
}

}  // namespace castnet

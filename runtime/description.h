// A network as data, all of it known at compile time: what a generated header NAME.h holds.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "runtime/listing.h"

struct halide_filter_metadata_t;

namespace castnet {

/// One image or grid: rows, columns, channels; channels lie innermost in memory, then columns, then rows.
struct Shape {
    int height = 0, width = 0, channels = 0;

    [[nodiscard]] constexpr std::size_t size() const {
        return static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
    }
    /// The same pixels in one row.
    [[nodiscard]] constexpr Shape flat() const { return {1, height * width, channels}; }
    constexpr bool operator==(const Shape &) const = default;
};

class Failure;
struct ForwardOperands;
struct BackwardDataOperands;
struct BackwardWeightsOperands;
struct TransposeKernelOperands;
struct SquaredErrorOperands;
struct AdamOperands;
struct SquaredNormOperands;
struct SumShardsOperands;

/// A compiled pipeline with operands of its own (runtime/pipelines.h): returns 0, or one of Halide's error codes, whose message the failure
/// then keeps.
template <typename Operands>
using Pipeline = int (*)(Failure &failure, const Operands &operands);

enum class LayerKind { conv2d, conv2d_transpose };

/// As the network language calls it.
constexpr std::string_view name_of(LayerKind kind) {
    return kind == LayerKind::conv2d ? "conv2d" : "conv2d_transpose";
}

/// One of the tensors that a network learns, in Keras's layout and C order.
struct TensorDescription {
    std::string_view layer, kind;  ///< Keras's name is LAYER/kernel or LAYER/bias
    std::array<std::size_t, 4> extents{};
    std::size_t dimensions = 0;

    [[nodiscard]] constexpr std::span<const std::size_t> shape() const { return std::span(extents).first(dimensions); }
};

struct LayerDescription {
    std::string_view name;  ///< Keras's, or the layer's own name=
    std::string_view text;  ///< the layer as it was written
    LayerKind kind = LayerKind::conv2d;
    Shape input, output;
    int kernel_height = 1, kernel_width = 1;
    int stride_y = 1, stride_x = 1;
    int pad_y = 0, pad_x = 0;     ///< zeros before the first row and column of the large grid
    std::string_view activation;  ///< its name in the network language
    float l2 = 0;                 ///< λ: the loss gets λ · Σ kernel²
    Pipeline<ForwardOperands> forward = nullptr;
    Pipeline<BackwardDataOperands> backward_data = nullptr;  ///< none in the first layer
    Pipeline<BackwardWeightsOperands> backward_weights = nullptr;
    Pipeline<TransposeKernelOperands> transpose_kernel = nullptr;  ///< makes the kernel that `spread` reads; none where nothing spreads

    /// The grid with the larger extents of the layer's bilinear map: conv2d's input, conv2d_transpose's output.
    [[nodiscard]] constexpr const Shape &large() const { return kind == LayerKind::conv2d ? input : output; }
    [[nodiscard]] constexpr const Shape &small() const { return kind == LayerKind::conv2d ? output : input; }

    /// The kernel in Keras's layout and C order: (height, width, in, out) of conv2d, (height, width, out, in) of conv2d_transpose.
    [[nodiscard]] constexpr std::array<std::size_t, 4> kernel_shape() const {
        return {static_cast<std::size_t>(kernel_height), static_cast<std::size_t>(kernel_width), static_cast<std::size_t>(large().channels),
                static_cast<std::size_t>(small().channels)};
    }
    [[nodiscard]] constexpr std::size_t kernel_size() const {
        const auto [height, width, large_channels, small_channels] = kernel_shape();
        return height * width * large_channels * small_channels;
    }
    /// Of one pass, per image, taps that fall on padding counted.
    [[nodiscard]] constexpr std::size_t multiply_adds() const {
        return static_cast<std::size_t>(small().height) * static_cast<std::size_t>(small().width) * kernel_size();
    }
    [[nodiscard]] constexpr std::size_t bias_size() const { return static_cast<std::size_t>(output.channels); }
    [[nodiscard]] constexpr std::size_t parameter_count() const { return kernel_size() + bias_size(); }
    [[nodiscard]] constexpr TensorDescription kernel() const { return {name, "kernel", kernel_shape(), 4}; }
    [[nodiscard]] constexpr TensorDescription bias() const { return {name, "bias", {bias_size()}, 1}; }
};

struct NetworkDescription {
    std::string_view name;
    std::span<const LayerDescription> layers;
    std::size_t encoder_layers = 0;  ///< the first layers, up to the code
    Pipeline<SquaredErrorOperands> squared_error = nullptr;
    // Which know no layer:
    Pipeline<AdamOperands> adam = nullptr;
    Pipeline<SquaredNormOperands> squared_norm = nullptr;
    Pipeline<SumShardsOperands> sum_shards = nullptr;
    const halide_filter_metadata_t *(*metadata)() = nullptr;  ///< names the target that all pipelines were compiled for

    [[nodiscard]] constexpr Shape input() const { return layers.front().input; }
    [[nodiscard]] constexpr Shape output() const { return layers.back().output; }
    [[nodiscard]] constexpr Shape code() const { return layers[encoder_layers - 1].output; }
    /// All that it learns, in the order that weights have wherever they are kept: of each layer its kernel, then its bias.
    [[nodiscard]] constexpr auto tensors() const {
        return Listing(2 * layers.size(), [all = layers](std::size_t i) { return i % 2 == 0 ? all[i / 2].kernel() : all[i / 2].bias(); });
    }
    /// Of inference, per image.
    [[nodiscard]] constexpr std::size_t forward_multiply_adds() const {
        std::size_t count = 0;
        for (const LayerDescription &layer : layers) count += layer.multiply_adds();
        return count;
    }
    /// Of a step of training, per image: three passes of every layer, but no backward_data of the first.
    [[nodiscard]] constexpr std::size_t training_multiply_adds() const {
        return 3 * forward_multiply_adds() - layers.front().multiply_adds();
    }
    [[nodiscard]] constexpr std::size_t parameter_count() const {
        std::size_t count = 0;
        for (const LayerDescription &layer : layers) count += layer.parameter_count();
        return count;
    }
};

/// How a batch is cut into shards: a function of its size alone, so that the sums of gradients are the same for any number of threads.
struct Sharding {
    static constexpr int least_shards = 4;  ///< of a batch: as many threads can work on it
    static constexpr int most_images = 16;  ///< of a shard: bounds the memory for activations

    int images = 0;            ///< in the batch
    int images_per_shard = 0;  ///< in all but the last shard
    int shards = 0;

    explicit constexpr Sharding(int batch_images) : images(batch_images) {
        const int parts = std::max(least_shards, divide_up(images, most_images));
        images_per_shard = std::max(1, divide_up(images, parts));
        shards = divide_up(images, images_per_shard);
    }
    // Over all batches of at most so many images: a smaller one can have more shards, or larger ones.
    static constexpr int most_shards(int images) { return std::min(images, std::max(least_shards, divide_up(images, most_images))); }
    static constexpr int largest_shard(int images) { return std::min(most_images, divide_up(images, least_shards)); }

    [[nodiscard]] constexpr int first(int shard) const { return shard * images_per_shard; }
    [[nodiscard]] constexpr int size(int shard) const { return std::min(images_per_shard, images - first(shard)); }

    static constexpr int divide_up(int a, int b) { return a / b + (a % b != 0 ? 1 : 0); }
};

/// What a network is laid out for. For inference it has weights and two grids a worker: no gradients, no moments, no activations kept.
enum class Purpose { training, inference };

/// What an arena holds of every tensor, block after block; for inference it has weights alone. Moments are Adam's first and second.
enum class Block { weights, moments_1, moments_2, gradients };

/// Where a layer's tensors begin, in floats.
struct LayerOffsets {
    std::size_t kernel = 0, bias = 0;  ///< in each block of parameters
    std::size_t transposed = 0;        ///< from the arena's beginning
    std::size_t activation = 0;        ///< in a worker's scratch space
};

/// Bytes of an arena by what they hold.
struct MemoryUse {
    std::uint64_t weights = 0;      ///< kernels, also as spread reads them, and biases
    std::uint64_t optimizer = 0;    ///< Adam's moments
    std::uint64_t gradients = 0;    ///< of every shard, and their sum
    std::uint64_t activations = 0;  ///< of every worker: outputs of layers and their gradients, gathered images
};

/// Where everything lies in a network's arena, in floats from its beginning; every tensor begins on a 64-byte boundary. The numbers have 64
/// bits on any target, and is_addressable() tells which of them can be.
class ArenaLayout {
public:
    static constexpr std::size_t alignment = 64;
    static constexpr std::uint64_t step = alignment / sizeof(float);
    /// Of an operand: Halide counts them in 32 bits.
    static constexpr std::uint64_t most_elements = std::numeric_limits<std::int32_t>::max() / step * step;
    static constexpr int shard_limit = 1 << 19;  // with the layers, less than a Round can hold

    constexpr ArenaLayout(const NetworkDescription &network, int batch_size, int threads, Purpose purpose_ = Purpose::training)
        : batch_images(batch_size),
          shards(Sharding::most_shards(batch_size)),
          shard_images(Sharding::largest_shard(batch_size)),
          workers(std::min(threads, shards)),
          purpose(purpose_) {
        for (const LayerDescription &layer : network.layers) {
            parameters += padded(layer.kernel_size()) + padded(layer.bias_size());
            transposed += padded(layer.kernel_size());  // also of a layer without transpose_kernel: a first convolution's is small
            const auto images = static_cast<std::uint64_t>(shard_images);
            activations += padded(layer.output.size() * images);
            grid = std::max(grid, padded(layer.output.size() * images));
        }
        input = padded(network.input().size() * static_cast<std::uint64_t>(shard_images));
        scratch = 2 * grid + (purpose == Purpose::training ? input + activations : 0);
        index = padded((network.layers.size() * (sizeof(LayerOffsets) + sizeof(std::size_t)) + sizeof(float) - 1) / sizeof(float));
    }

    int batch_images;              ///< at most
    int shards;                    ///< at most, of any such batch
    int shard_images;              ///< at most, of any shard
    int workers;                   ///< that run at once, each with scratch space of its own
    std::uint64_t parameters = 0;  ///< floats of all kernels and biases; of Adam's moments and of a shard's gradient too
    std::uint64_t transposed = 0;  ///< of the kernels as spread reads them
    Purpose purpose;
    std::uint64_t grid = 0;         ///< of one worker: the largest output of a layer for a shard, or its gradient; there are two
    std::uint64_t input = 0;        ///< of one worker, for training: the images of a shard, where they are gathered
    std::uint64_t activations = 0;  ///< of one worker, for training: the outputs of all layers for a shard
    std::uint64_t scratch = 0;      ///< of one worker: all of it
    std::uint64_t index = 0;        ///< of the layers' offsets, and of the order of their updates

    // In this order: the blocks; for training, the shards' gradients and the images' errors; transposed kernels; the workers' scratch
    // space; the index.
    [[nodiscard]] constexpr std::uint64_t block(Block which) const { return static_cast<std::uint64_t>(which) * parameters; }
    [[nodiscard]] constexpr std::uint64_t shard_gradients() const { return block(Block::gradients) + parameters; }
    [[nodiscard]] constexpr std::uint64_t errors() const { return shard_gradients() + parameters * static_cast<std::uint64_t>(shards); }
    [[nodiscard]] constexpr std::uint64_t transposed_kernels() const {
        return purpose == Purpose::training ? errors() + padded(static_cast<std::uint64_t>(batch_images)) : parameters;
    }
    [[nodiscard]] constexpr std::uint64_t workers_scratch() const { return transposed_kernels() + transposed; }
    [[nodiscard]] constexpr std::uint64_t layer_index() const { return workers_scratch() + scratch * static_cast<std::uint64_t>(workers); }
    [[nodiscard]] constexpr std::uint64_t floats() const { return layer_index() + index; }
    [[nodiscard]] constexpr std::uint64_t bytes() const { return floats() * sizeof(float); }

    /// Whether there is such an arena: its operands have no more elements than may be, a round holds all its shards, and memory has so many
    /// bytes.
    [[nodiscard]] constexpr bool is_addressable() const {
        if (batch_images < 1 || workers < 1 || shards >= shard_limit) return false;
        const std::uint64_t all_gradients = purpose == Purpose::training ? parameters * static_cast<std::uint64_t>(shards) : 0;
        constexpr std::uint64_t most_bytes = std::numeric_limits<std::ptrdiff_t>::max();
        return std::max({grid, input, all_gradients}) <= most_elements && bytes() <= most_bytes;
    }

    [[nodiscard]] constexpr MemoryUse memory() const {
        const bool trains = purpose == Purpose::training;
        return {.weights = (parameters + transposed + index) * sizeof(float),
                .optimizer = (trains ? block(Block::gradients) - block(Block::moments_1) : 0) * sizeof(float),
                .gradients = (trains ? transposed_kernels() - block(Block::gradients) : 0) * sizeof(float),
                .activations = (layer_index() - workers_scratch()) * sizeof(float)};
    }

    /// `floats` rounded up to the alignment.
    static constexpr std::uint64_t padded(std::uint64_t floats) { return (floats + step - 1) / step * step; }
};

/// Returns the size of an arena that no memory holds. In a constant expression the compiler stops here.
inline std::size_t no_such_arena() {
    return std::numeric_limits<std::size_t>::max();
}

}  // namespace castnet

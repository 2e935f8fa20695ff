#include "runtime/network.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <new>
#include <utility>

#include "runtime/pipelines.h"
#include "runtime/random.h"
#include "runtime/target.h"

namespace castnet {

static constexpr const char *not_for_training = "the network is laid out for inference; lay it out for training";

void Network::Free::operator()(float *memory) const noexcept {
    ::operator delete (memory, std::align_val_t{ArenaLayout::alignment});
}

bool all_finite(std::span<const float> values) noexcept {
    constexpr std::uint32_t exponent = 0x7f800000;  // all ones: infinity or NaN
    std::uint32_t found = 0;
    for (const float value : values) found |= static_cast<std::uint32_t>((std::bit_cast<std::uint32_t>(value) & exponent) == exponent);
    return found == 0;
}

Network::Network(const NetworkDescription &description, int batch_size, int threads, Purpose purpose, std::span<std::byte> arena,
                 int slots) noexcept
    : description_(&description),
      layout_(description, std::max(1, batch_size), std::max(1, threads), purpose, std::clamp(slots, 0, ArenaLayout::most_slots)),
      arena_(is_for_this_cpu() ? find_arena(batch_size, threads, arena) : nullptr) {
    if (!is_ready()) return;
    std::fill_n(arena_, layout_.floats(), 0.0F);
    index_layers();
}

/// Returns whether this CPU can run the pipelines, and keeps the reason if not. Called first: an unknown instruction would end the process.
bool Network::is_for_this_cpu() noexcept {
    std::array<char, 200> lacking{};
    write_lacking_features(description_->target, lacking);
    if (lacking.front() == '\0') return true;
    std::array<char, 400> message{};
    std::snprintf(message.data(), message.size(),
                  "this CPU lacks %s, which the network was compiled for; build it on this machine, or for more of them, by "
                  "-DCASTNET_TARGETS=x86-64 say",
                  lacking.data());
    fail(message.data());
    return false;
}

/// A network that is not ready keeps the reason for that.
int Network::refuse(const char *message) noexcept {
    if (is_ready()) failure_.clear();
    return fail(message);
}

/// Returns the error. Adds a message if there is none: the pipeline's went to a handler that the program has set since.
int Network::explained(int error) noexcept {
    if (error == 0) return 0;
    std::array<char, 200> message{};
    std::snprintf(message.data(), message.size(),
                  "a pipeline failed with Halide's error %d, and its message went to the handler of halide_set_error_handler()", error);
    fail(message.data());
    return error;
}

/// Returns the caller's arena or a new one; null if neither will do.
float *Network::find_arena(int batch_size, int threads, std::span<std::byte> arena) noexcept {
    const char *wrong = nullptr;
    if (batch_size < 1 || threads < 1) {
        wrong = "a network needs a batch of at least one image and at least one thread";
    } else if (!layout_.is_addressable()) {
        wrong = "a batch or its gradients have more than 2147483632 elements, or more bytes than have addresses; choose a smaller batch";
    } else if (arena.empty()) {
        owned_.reset(static_cast<float *>(::operator new (layout_.bytes(), std::align_val_t{ArenaLayout::alignment}, std::nothrow)));
        if (owned_ == nullptr) wrong = "there is not enough memory for the network; choose a smaller batch";
    } else if (arena.size() < layout_.bytes()) {
        wrong = "the arena is smaller than ArenaLayout::bytes()";
    } else if (reinterpret_cast<std::uintptr_t>(arena.data()) % ArenaLayout::alignment != 0) {
        wrong = "the arena does not begin on a 64-byte boundary";
    }
    if (wrong != nullptr) {
        fail(wrong);
        return nullptr;
    }
    return owned_ != nullptr ? owned_.get() : reinterpret_cast<float *>(arena.data());
}

void Network::index_layers() noexcept {
    const std::span<const LayerDescription> layers = description_->layers;
    auto *const offsets = reinterpret_cast<LayerOffsets *>(arena_ + layout_.layer_index());
    auto *const order = reinterpret_cast<std::size_t *>(offsets + layers.size());
    std::uint64_t sharded = 0, summed_over_batch = layout_.sharded, frozen = layout_.learned, prepared = layout_.prepared_kernels();
    std::uint64_t free_scratch = 2 * layout_.grid, free_batch_grid = layout_.first_batch_grid();
    const auto offset = [](std::uint64_t floats) { return static_cast<std::size_t>(floats); };  // the arena is there
    const auto in_scratch = [&](const Shape &shape) {
        const std::uint64_t size = ArenaLayout::padded(shape.size() * static_cast<std::size_t>(layout_.shard_images));
        return GridPlace{.begin = offset(std::exchange(free_scratch, free_scratch + size))};
    };
    const auto in_batch = [&](const Shape &shape) {
        return GridPlace{.begin = offset(std::exchange(free_batch_grid, free_batch_grid + layout_.batch_grid(shape))),
                         .image_size = shape.size()};
    };
    gathered_ = layers.front().sums_over_batch() ? in_batch(description_->input) : in_scratch(description_->input);
    std::size_t learners = 0;
    for (std::size_t l = 0; l < layers.size(); l++) {
        const LayerDescription &layer = layers[l];
        const std::uint64_t kernel_size = ArenaLayout::padded(layer.kernel_size());
        std::uint64_t &parameters = layer.sums_over_batch() ? summed_over_batch : layer.learns() ? sharded : frozen;
        LayerOffsets own{.kernel = offset(parameters), .bias = offset(parameters + kernel_size), .prepared = offset(prepared)};
        parameters = own.bias + ArenaLayout::padded(layer.bias_size());
        prepared += ArenaLayout::prepared_size(layer);
        if (layer.is_taken_in) {
            own.output = offsets[l - 1].output;
            own.kept = offsets[l - 1].kept;
        } else if (ArenaLayout::keeps_activation(*description_, l)) {
            own.output = ArenaLayout::is_of_batch(*description_, l) ? in_batch(layer.output) : in_scratch(layer.output);
            own.kept = layer.keeps_sums ? in_scratch(layer.output) : own.output;
        } else {
            own.output.begin = own.kept.begin = l > 0 && offsets[l - 1].output.begin == 0 ? layout_.grid : 0;
        }
        if (layer.sums_over_batch()) own.output_gradient = in_batch(layer.output);
        std::construct_at(offsets + l, own);
        if (layer.learns()) std::construct_at(order + learners++, l);
    }
    offsets_ = {offsets, layers.size()};
    largest_first_ = {order, learners};
    // By parameter count, then by index: one order, whatever the library's sort does.
    std::ranges::sort(largest_first_, [&](std::size_t a, std::size_t b) {
        const std::size_t size_a = layers[a].parameter_count(), size_b = layers[b].parameter_count();
        return size_a != size_b ? size_a > size_b : a < b;
    });
}

std::span<float> Network::kernel_of(std::size_t begin, std::size_t layer) const {
    if (!has_block(begin, layer)) return {};
    return {arena_ + begin + offsets_[layer].kernel, description_->layers[layer].kernel_size()};
}

std::span<float> Network::bias_of(std::size_t begin, std::size_t layer) const {
    if (!has_block(begin, layer)) return {};
    return {arena_ + begin + offsets_[layer].bias, description_->layers[layer].bias_size()};
}

std::span<const Block> Network::moments() const {
    static constexpr std::array all{Block::moments_1, Block::moments_2};
    return std::span(all).first(static_cast<std::size_t>(layout_.slots));
}

Network::ParameterRange Network::parameter_range(std::size_t layer) noexcept {
    const std::size_t size =
        ArenaLayout::padded(description_->layers[layer].kernel_size()) + ArenaLayout::padded(description_->layers[layer].bias_size());
    const auto range = [&](Block block) { return std::span<float>(arena_ + layout_.block(block) + offsets_[layer].kernel, size); };
    const bool is_summed = description_->layers[layer].sums_over_batch();
    return {.weights = range(Block::weights),
            .moments_1 = range(Block::moments_1),
            .moments_2 = range(Block::moments_2),
            .gradients = range(Block::gradients),
            .shard_gradients = arena_ + (is_summed ? layout_.block(Block::gradients) : layout_.shard_gradients()) + offsets_[layer].kernel,
            .shard_stride = static_cast<std::size_t>(layout_.sharded),
            .shards = is_summed ? 1 : static_cast<std::size_t>(shards_)};
}

LayerWeights Network::weights(std::size_t l) noexcept {
    return {.kernel = kernel(l).data(), .bias = bias(l).data(), .prepared = arena_ + offsets_[l].prepared};
}

int Network::prepare_kernel(std::size_t l) noexcept {
    return castnet::prepare_kernel(failure_, description_->layers[l], weights(l));
}

void Network::draw(std::uint64_t seed, std::uint64_t step) noexcept {
    draw_ = Random(Random(seed).next() + step).next();
}

/// Returns what a layer draws for the shard that begins with an image of the batch.
Draw Network::draw_of(std::size_t layer, std::size_t first_image) const noexcept {
    const auto rate = static_cast<double>(description_->layers[layer].rate);
    if (!draw_ || rate == 0) return {};
    return {.key = static_cast<std::uint32_t>(Random(*draw_ + layer).next() >> 32U),
            .threshold = static_cast<std::uint32_t>(rate * 0x1p32),
            .first_image = static_cast<std::int32_t>(first_image),
            .scale = static_cast<float>(1 / (1 - rate))};
}

int Network::weights_changed() noexcept {
    if (!is_ready()) return -1;
    failure_.clear();
    auto body = [this](int layer) { return prepare_kernel(static_cast<std::size_t>(layer)); };
    return explained(parallel_for(&failure_, static_cast<int>(description_->layers.size()), body));
}

/// Computes scale times the gradient of the loss, from what the last layer keeps, and the sum of each image's.
int Network::loss_gradient(const float *kept, const float *targets, float scale, float *gradient, float *errors, int images) noexcept {
    const Shape flat = description_->layers.back().output.flat();
    return description_->loss_gradient(failure_, {.output = Operand(kept, flat, images),
                                                  .targets = Operand(targets, flat, images),
                                                  .scale = scale,
                                                  .gradient = Operand(gradient, flat, images),
                                                  .error = Operand(errors, {static_cast<std::size_t>(images)})});
}

int Network::backward_shard(int worker, const Sharding &shards, int shard, const Batch &batch) noexcept {
    const std::size_t layers = description_->layers.size();
    const auto first = static_cast<std::size_t>(shards.first(shard));
    const int images = shards.size(shard);
    const Shape in = description_->input, out = description_->output;
    const auto output_of = [&](std::size_t l) { return grid_at(offsets_[l].output, worker, first); };
    const auto kept_by = [&](std::size_t l) { return grid_at(offsets_[l].kept, worker, first); };
    // Where the gradient of a layer's output goes, beside another in scratch space.
    const auto gradient_of = [&](std::size_t l, const float *other) {
        const LayerOffsets &own = offsets_[l];
        return description_->layers[l].sums_over_batch() ? grid_at(own.output_gradient, worker, first) : free_grid(worker, other);
    };

    float *const gathered = grid_at(gathered_, worker, first);
    const float *input = gathered, *targets = gathered;
    if (batch.inputs != nullptr) {
        input = batch.inputs + first * in.size();
        targets = batch.targets + first * out.size();
    } else {
        for (std::size_t image = 0; image < static_cast<std::size_t>(images); image++)
            batch.examples.copy_input(batch.indices[first + image], gathered + image * in.size());
    }
    const auto input_of = [&](std::size_t l) { return l == 0 ? input : output_of(l - 1); };

    for (std::size_t l = 0; l < layers; l++) {
        const LayerDescription &layer = description_->layers[l];
        if (layer.is_taken_in) continue;
        int error = castnet::forward(failure_, layer, weights(l), input_of(l), kept_by(l), images, draw_of(l, first));
        const bool is_last = l + 1 == layers;  // the loss follows from what it keeps
        if (error == 0 && !is_last) error = activate(failure_, layer, kept_by(l), output_of(l), images);
        if (error != 0) return error;
    }

    float *gradient = gradient_of(layers - 1, nullptr);
    if (batch.inputs == nullptr && !batch.examples.reproduce()) {
        float *const copies = free_grid(worker, gradient);
        for (std::size_t image = 0; image < static_cast<std::size_t>(images); image++)
            batch.examples.targets.copy(batch.indices[first + image], copies + image * out.size());
        targets = copies;
    }
    const float scale = 1.0F / (static_cast<float>(out.size()) * static_cast<float>(shards.images));
    if (const int error = loss_gradient(kept_by(layers - 1), targets, scale, gradient, arena_ + layout_.errors() + first, images);
        error != 0)
        return error;

    const std::size_t begin = layout_.shard_gradients() + static_cast<std::size_t>(shard) * layout_.sharded;
    for (std::size_t l = layers; l-- > 0;) {
        const LayerDescription &layer = description_->layers[l];
        if (layer.is_taken_in) continue;
        int error = 0;
        if (layer.learns() && !layer.sums_over_batch()) {
            // decay · kernel is the penalty's gradient, which one shard adds for all.
            const float decay = shard == 0 ? 2 * layer.l2 : 0;
            error = backward_weights(failure_, layer, weights(l), input_of(l), gradient, gradients(begin, l), decay,
                                     free_grid(worker, gradient), images);
        }
        if (error != 0 || layer.backward_data == nullptr) return error;
        const std::size_t before = l - (layer.takes_in_upsample() ? 2 : 1);
        float *const input_gradient = gradient_of(before, gradient);
        error =
            backward_data(failure_, layer, weights(l), gradient, input_of(l), kept_by(before), input_gradient, images, draw_of(l, first));
        if (error != 0) return error;
        gradient = input_gradient;
    }
    return 0;
}

/// Computes the gradients of a layer that sums over the batch, when all shards have run.
int Network::sum_over_batch(std::size_t l, const Batch &batch) noexcept {
    const LayerDescription &layer = description_->layers[l];
    if (!layer.sums_over_batch()) return 0;
    const GridPlace &input = l == 0 ? gathered_ : offsets_[l - 1].output;
    return backward_weights(failure_, layer, weights(l), l == 0 && batch.inputs != nullptr ? batch.inputs : arena_ + input.begin,
                            arena_ + offsets_[l].output_gradient.begin, gradients(layout_.block(Block::gradients), l), 2 * layer.l2,
                            nullptr, batch.images);
}

/// Runs all but the last of the layers first … last - 1 on each shard, in batches for which the scratch space has room. Then calls
/// end(worker, first image, images, the last layer's input), which returns 0 or an error.
template <typename End>
int Network::infer(std::size_t first, std::size_t last, std::span<const float> inputs, std::size_t images, const End &end) noexcept {
    if (!is_ready()) return -1;
    failure_.clear();
    const std::size_t in = description_->layers[first].input.size(), batch = static_cast<std::size_t>(batch_size());
    for (std::size_t begin = 0; begin < images; begin += batch) {
        const Sharding shards = sharding(static_cast<int>(std::min(batch, images - begin)));
        const auto infer_shard = [&](int worker, int shard) {
            const std::size_t image = begin + static_cast<std::size_t>(shards.first(shard));
            const float *input = inputs.data() + image * in;
            for (std::size_t l = first; l + 1 < last; l++) {
                const LayerDescription &layer = description_->layers[l];
                if (layer.kind == LayerKind::dropout || layer.is_taken_in) continue;
                float *const output = free_grid(worker, input);
                int error = castnet::forward(failure_, layer, weights(l), input, output, shards.size(shard));
                if (error == 0) error = activate(failure_, layer, output, output, shards.size(shard));
                if (error != 0) return error;
                input = output;
            }
            return end(worker, image, shards.size(shard), input);
        };
        int error = 0;
        const auto finish = [&](int code) {
            error = explained(code);
            return Round{};
        };
        work_in_rounds(
            &failure_, std::min(layout_.workers, shards.shards), {.firsts = shards.shards}, infer_shard, [](int) { return 0; }, finish);
        if (error != 0) return error;
    }
    return 0;
}

int Network::forward(std::size_t first, std::size_t last, std::span<const float> inputs, std::span<float> outputs,
                     std::size_t images) noexcept {
    const LayerDescription &layer = description_->layers[last - 1];
    return infer(first, last, inputs, images, [&](int, std::size_t image, int count, const float *input) {
        float *const output = outputs.data() + image * layer.output.size();
        const int error = castnet::forward(failure_, layer, weights(last - 1), input, output, count);
        return error != 0 ? error : activate(failure_, layer, output, output, count);
    });
}

int Network::losses(std::span<const float> inputs, std::span<const float> targets, std::span<float> losses) noexcept {
    const std::size_t last = description_->layers.size() - 1, elements = description_->output.size();
    const LayerDescription &layer = description_->layers[last];
    const int error = infer(0, last + 1, inputs, losses.size(), [&](int worker, std::size_t image, int count, const float *input) {
        float *const kept = free_grid(worker, input), *const gradient = free_grid(worker, kept);
        if (const int code = castnet::forward(failure_, layer, weights(last), input, kept, count); code != 0) return code;
        return loss_gradient(kept, targets.data() + image * elements, 1, gradient, &losses[image], count);
    });
    if (error != 0) return error;
    for (float &loss : losses) loss /= static_cast<float>(elements);
    return 0;
}

StepResult Network::backward(const Batch &batch) noexcept {
    StepResult result;
    const auto once = [&](const StepResult *last) -> const Batch * {
        if (last == nullptr) return &batch;
        result = *last;
        return nullptr;
    };
    backward_each(once, [](std::size_t) { return 0; });
    return result;
}

StepResult Network::begin(const Batch &batch) noexcept {
    if (!is_ready()) return {.error = -1};
    if (layout_.purpose != Purpose::training) return {.error = refuse(not_for_training)};
    shards_ = sharding(batch.images).shards;
    return penalty();
}

StepResult Network::penalty() noexcept {
    if (!is_ready()) return {.error = -1};
    failure_.clear();
    const FlushDenormals flush;
    StepResult result;
    for (std::size_t l = 0; l < description_->layers.size() && result.error == 0; l++) {
        const float l2 = description_->layers[l].l2;
        if (l2 == 0) continue;
        float norm = 0;
        result.error = explained(squared_norm(kernel(l), norm));
        result.loss += static_cast<double>(l2) * static_cast<double>(norm);
    }
    return result;
}

/// Adds the images' mean loss to the penalties. Fails if the sum is not finite: pipelines assume finite floats, and a relu may swallow
/// others.
void Network::add_mean_error(StepResult &result, int images) noexcept {
    double error = 0;
    for (int image = 0; image < images; image++) error += static_cast<double>(arena_[layout_.errors() + static_cast<std::size_t>(image)]);
    result.loss += error / (static_cast<double>(images) * static_cast<double>(description_->output.size()));
    if (!std::isfinite(result.loss)) result.error = fail("the loss is no longer a finite number");
}

int Network::sum_gradients(std::size_t layer) noexcept {
    if (!is_ready()) return -1;
    if (layout_.purpose != Purpose::training) return refuse(not_for_training);
    failure_.clear();
    if (!description_->layers[layer].learns()) return 0;
    const FlushDenormals flush;
    return explained(sum_shards(layer));
}

int Network::sum_shards(std::size_t layer) noexcept {
    if (description_->layers[layer].sums_over_batch()) return 0;
    const ParameterRange range = parameter_range(layer);
    const std::size_t size = range.gradients.size();
    return description_->sum_shards(failure_, {.shards = Operand(range.shard_gradients, size, range.shards, range.shard_stride),
                                               .sum = Operand(range.gradients.data(), {size})});
}

int Network::squared_norm(std::span<const float> values, float &norm) noexcept {
    return description_->squared_norm(failure_, {.values = Operand(values.data(), {values.size()}), .norm = Operand(&norm, {})});
}

}  // namespace castnet

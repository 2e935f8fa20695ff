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

Network::Network(const NetworkDescription &description, int batch_size, int threads, Purpose purpose, std::span<std::byte> arena, int slots,
                 Ranks *ranks) noexcept
    : description_(&description),
      layout_(description, std::max(1, batch_size), std::max(1, threads), purpose, std::clamp(slots, 0, ArenaLayout::most_slots),
              ranks != nullptr ? ranks->place() : Place{}),
      arena_(is_for_this_cpu() ? find_arena(batch_size, threads, arena) : nullptr) {
    if (!is_ready()) return;
    std::fill_n(arena_, layout_.floats(), 0.0F);
    index_layers();
    auto *const lists = reinterpret_cast<SubtreeSum *>(largest_first_.data() + description.layers.size());
    pieces_ = {lists, static_cast<std::size_t>(layout_.pieces)};
    if (layout_.place.ranks == 1 || purpose != Purpose::training) return;
    SubtreeSum *const sums = lists + layout_.pieces;
    exchange_.emplace(*ranks, description, layout_, arena_, offsets_, gathered_, sums,
                      reinterpret_cast<int *>(sums + layout_.received_sums));
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

/// Puts a layer's parameters at `begin` of each block, and moves that behind them.
static void place_parameters(const LayerDescription &layer, LayerOffsets &offsets, std::uint64_t &begin) {
    offsets.kernel = static_cast<std::size_t>(begin);
    offsets.bias = offsets.kernel + ArenaLayout::padded(layer.kernel_size());
    begin += ArenaLayout::parameter_floats(layer);
}

void Network::index_layers() noexcept {
    const std::span<const LayerDescription> layers = description_->layers;
    auto *const offsets = reinterpret_cast<LayerOffsets *>(arena_ + layout_.layer_index());
    auto *const order = reinterpret_cast<std::size_t *>(offsets + layers.size());
    std::uint64_t sharded = 0, frozen = layout_.learned, prepared = layout_.prepared_kernels();
    std::uint64_t free_scratch = 2 * layout_.grid + layout_.spare, free_batch_grid = layout_.first_batch_grid();
    const auto offset = [](std::uint64_t floats) { return static_cast<std::size_t>(floats); };  // the arena is there
    const auto in_scratch = [&](const Shape &shape) {
        const std::uint64_t size = ArenaLayout::padded(shape.size() * static_cast<std::size_t>(layout_.largest_piece()));
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
        LayerOffsets own{.prepared = offset(prepared)};
        if (layer.sums_over_batch()) {
            own.owner = ArenaLayout::owner(*description_, l, layout_.place.ranks);
        } else {
            place_parameters(layer, own, layer.learns() ? sharded : frozen);
        }
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
    std::uint64_t owned = layout_.sharded;  // each process's layers beside each other
    for (int rank = 0; rank < layout_.place.ranks; rank++) {
        for (std::size_t l = 0; l < layers.size(); l++) {
            if (layers[l].sums_over_batch() && offsets[l].owner == rank) place_parameters(layers[l], offsets[l], owned);
        }
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

/// Returns the parameters that begin at float `begin` of a block, with their gradients in Block::gradients.
Network::ParameterRange Network::range_at(std::size_t begin, std::size_t size) noexcept {
    const auto range = [&](Block block) { return std::span<float>(arena_ + layout_.block(block) + begin, size); };
    return {.weights = range(Block::weights),
            .moments_1 = range(Block::moments_1),
            .moments_2 = range(Block::moments_2),
            .gradients = range(Block::gradients).data(),
            .row_stride = 0,
            .rows = 1};
}

Network::ParameterRange Network::layer_range(std::size_t layer) noexcept {
    return range_at(offsets_[layer].kernel, layer_floats(layer));
}

/// Returns the same, with the rows to which sum_pieces() reduced the gradients of a layer that does not sum over the batch.
Network::ParameterRange Network::sharded_range(std::size_t layer) noexcept {
    ParameterRange range = layer_range(layer);
    if (description_->layers[layer].sums_over_batch()) return range;
    const auto stride = static_cast<std::size_t>(std::max(1, summed_shards() / piece_shards()));
    range.gradients = arena_ + layout_.piece_gradients() + offsets_[layer].kernel;
    range.row_stride = stride * layout_.sharded;
    range.rows = (pieces_.size() + stride - 1) / stride;
    return range;
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

int Network::backward_piece(int worker, const SubtreeSum &piece, const Batch &batch) noexcept {
    const std::size_t layers = description_->layers.size();
    const Sharding &shards = batch_;
    const auto first = static_cast<std::size_t>(shards.first_image(piece.node.first));
    const int images = shards.images_in(piece.node);
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

    for (std::size_t l = layers; l-- > 0;) {
        const LayerDescription &layer = description_->layers[l];
        if (layer.is_taken_in) continue;
        int error = 0;
        if (layer.learns() && !layer.sums_over_batch())
            error = sum_shards({.layer = l,
                                .batch = shards,
                                .first_image = static_cast<int>(first),
                                .input = input_of(l),
                                .gradient = gradient,
                                .scratch = free_grid(worker, gradient)},
                               piece.node, piece.values + offsets_[l].kernel, scratch(worker) + 2 * layout_.grid);
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

/// Sums a layer's gradients over the shards of a node that is all in a piece. `spare` has room for the rows of each level of the tree
/// below.
int Network::sum_shards(const WeightsPass &pass, const Subtree &node, float *sum, float *spare) noexcept {
    const LayerDescription &layer = description_->layers[pass.layer];
    const std::size_t kernel_size = ArenaLayout::padded(layer.kernel_size()), size = ArenaLayout::parameter_floats(layer);
    if (node.size == 1) {
        const LayerWeights gradients{.kernel = sum, .bias = sum + kernel_size};
        std::fill(sum + layer.kernel_size(), sum + kernel_size, 0.0F);  // of another layer, if the row is a spare one
        std::fill(gradients.bias + layer.bias_size(), sum + size, 0.0F);
        const auto image = static_cast<std::size_t>(pass.batch.first_image(node.first) - pass.first_image);
        // decay · kernel is the penalty's gradient, which one shard adds for all.
        return backward_weights(failure_, layer, weights(pass.layer), pass.input + image * layer.geometry().input().size(),
                                pass.gradient + image * layer.output.size(), gradients, node.first == 0 ? 2 * layer.l2 : 0, pass.scratch,
                                pass.batch.images_in(node));
    }
    const int part = std::max(1, node.size / ArenaLayout::summed_at_once), end = std::min(node.first + node.size, pass.batch.shards);
    const auto rows = static_cast<std::size_t>(divide_up(end - node.first, part));
    if (rows == 1) return sum_shards(pass, {node.first, part}, sum, spare);
    for (std::size_t row = 0; row < rows; row++) {
        const Subtree child{node.first + static_cast<int>(row) * part, part};
        const int error = sum_shards(pass, child, spare + row * size, spare + ArenaLayout::summed_at_once * size);
        if (error != 0) return error;
    }
    return add_rows(spare, rows, size, sum, size);
}

/// Computes the gradients of a layer that sums over the batch, when all pieces have run.
int Network::sum_over_batch(std::size_t l, const Batch &batch) noexcept {
    const LayerDescription &layer = description_->layers[l];
    if (!layer.sums_over_batch()) return 0;
    const GridPlace &input = l == 0 ? gathered_ : offsets_[l - 1].output;
    return backward_weights(failure_, layer, weights(l), l == 0 && batch.inputs != nullptr ? batch.inputs : arena_ + input.begin,
                            arena_ + offsets_[l].output_gradient.begin, gradients(layout_.block(Block::gradients), l), 2 * layer.l2,
                            nullptr, batch.images);
}

/// Runs all but the last of the layers first … last - 1 on each piece, in batches for which the scratch space has room. Then calls
/// end(worker, first image, images, the last layer's input), which returns 0 or an error.
template <typename End>
int Network::infer(std::size_t first, std::size_t last, std::span<const float> inputs, std::size_t images, const End &end) noexcept {
    if (!is_ready()) return -1;
    failure_.clear();
    const std::size_t in = description_->layers[first].input.size(), batch = static_cast<std::size_t>(batch_size());
    for (std::size_t begin = 0; begin < images; begin += batch) {
        const Sharding pieces(static_cast<int>(std::min(batch, images - begin)), layout_.piece_images);
        const auto infer_piece = [&](int worker, int piece) {
            const std::size_t image = begin + static_cast<std::size_t>(pieces.first_image(piece));
            const int count = pieces.images_in({.first = piece, .size = 1});
            const float *input = inputs.data() + image * in;
            for (std::size_t l = first; l + 1 < last; l++) {
                const LayerDescription &layer = description_->layers[l];
                if (layer.kind == LayerKind::dropout || layer.is_taken_in) continue;
                float *const output = free_grid(worker, input);
                int error = castnet::forward(failure_, layer, weights(l), input, output, count);
                if (error == 0) error = activate(failure_, layer, output, output, count);
                if (error != 0) return error;
                input = output;
            }
            return end(worker, image, count, input);
        };
        int error = 0;
        const auto finish = [&](int code) {
            error = explained(code);
            return Round{};
        };
        work_in_rounds(
            &failure_, std::min(layout_.workers, pieces.shards), {.firsts = pieces.shards}, infer_piece, [](int) { return 0; }, finish);
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
    struct NoUpdate {
        static bool needs_sums() { return false; }
        static int clip(std::size_t) { return 0; }
        static int step(const ParameterRange &) { return 0; }
        static int finish(std::size_t) { return 0; }
    };
    backward_each(once, NoUpdate{});
    return result;
}

StepResult Network::begin(const Batch &batch) noexcept {
    if (!is_ready()) return {.error = -1};
    if (layout_.purpose != Purpose::training) return {.error = refuse(not_for_training)};
    list_pieces(description_->sharding(batch.images));
    StepResult result = penalty();
    result.wishes = batch.wishes;
    return result;
}

/// Lists this process's pieces of a batch, each with a row of gradients.
void Network::list_pieces(const Sharding &batch) noexcept {
    batch_ = batch;
    std::size_t count = 0;
    batch.for_each_subtree(batch.range_of(layout_.place.rank, layout_.place.ranks), piece_shards(), [&](const Subtree &node) {
        pieces_.data()[count] = {.node = node, .values = arena_ + layout_.piece_gradients() + count * layout_.sharded};
        count++;
    });
    pieces_ = {pieces_.data(), count};
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
    return explained(sum_rows(layer));
}

/// Sums the rows of a layer's gradients, to which sum_pieces() reduced them, into Block::gradients.
int Network::sum_rows(std::size_t layer) noexcept {
    const ParameterRange range = sharded_range(layer);
    float *const sum = arena_ + layout_.block(Block::gradients) + offsets_[layer].kernel;
    return range.gradients == sum ? 0 : add_rows(range.gradients, range.rows, range.row_stride, sum, range.weights.size());
}

int Network::add_rows(const float *rows, std::size_t count, std::size_t stride, float *sum, std::size_t size) noexcept {
    return description_->sum_shards(failure_, {.shards = Operand(rows, size, count, stride), .sum = Operand(sum, {size})});
}

/// Sums `size` floats from `begin` on of all that lie in a node, into the first one's.
int Network::sum_tree(std::span<const SubtreeSum> sums, const Subtree &node, std::size_t begin, std::size_t size) noexcept {
    if (sums.size() <= 1) return 0;
    const int half = node.size / 2, middle = node.first + half;
    const auto lies_left = [&](const SubtreeSum &sum) { return sum.node.first < middle; };
    const auto left = static_cast<std::size_t>(std::ranges::partition_point(sums, lies_left) - sums.begin());
    if (const int error = sum_tree(sums.first(left), {node.first, half}, begin, size); error != 0) return error;
    if (left == sums.size()) return 0;
    if (const int error = sum_tree(sums.subspan(left), {middle, half}, begin, size); error != 0) return error;
    const float *const values = sums.front().values + begin;
    return add_rows(values, 2, static_cast<std::size_t>(sums[left].values - sums.front().values), sums.front().values + begin, size);
}

/// Returns the most shards that the rows of pieces are summed for before an update: it sums the rest, or other processes have them.
int Network::summed_shards() const noexcept {
    if (exchange_) return Sharding::all;
    return std::max(piece_shards(), static_cast<int>(std::bit_ceil(static_cast<unsigned>(batch_.shards))) / ArenaLayout::summed_at_once);
}

/// Sums the gradients that a layer has in the rows of pieces, if any, over subtrees of summed_shards(): each in the row of its first piece.
int Network::sum_pieces(std::size_t layer) noexcept {
    if (description_->layers[layer].sums_over_batch()) return 0;
    std::span<const SubtreeSum> rest = pieces_;
    int error = 0;
    batch_.for_each_subtree(batch_.range_of(layout_.place.rank, layout_.place.ranks), summed_shards(), [&](const Subtree &node) {
        const auto lies_in_node = [&](const SubtreeSum &piece) { return piece.node.first < node.first + node.size; };
        const auto count = static_cast<std::size_t>(std::ranges::partition_point(rest, lies_in_node) - rest.begin());
        if (error == 0) error = sum_tree(rest.first(count), node, offsets_[layer].kernel, layer_floats(layer));
        rest = rest.subspan(count);
    });
    return error;
}

int Network::squared_norm(std::span<const float> values, float &norm) noexcept {
    return description_->squared_norm(failure_, {.values = Operand(values.data(), {values.size()}), .norm = Operand(&norm, {})});
}

Round Network::next_phase(Phase &phase, const Batch &batch, StepResult &result, bool needs_sums) noexcept {
    const Round layers{.firsts = 0, .seconds = static_cast<int>(largest_first_.size())}, all_parts{.firsts = 0, .seconds = parts()};
    const auto go_on = [&](Phase following, Block gathered, const Round &round) {
        if (result.error == 0 && exchange_->gather(gathered) != 0) result.error = failure_.keep(not_exchanged);
        phase = following;
        return result.error == 0 ? round : Round{};
    };
    switch (phase) {
    case Phase::backward: {
        Exchange::State state{.error = result.error, .wishes = result.wishes};
        const bool is_own = result.error != 0;
        if (exchange_->exchange(description_->sharding(batch.images), pieces_, state) != 0) {
            state.error = failure_.keep(not_exchanged);
        } else if (state.error != 0 && !is_own) {
            failure_.keep(failed_elsewhere);
        }
        result.error = state.error;
        result.wishes = state.wishes;
        phase = needs_sums ? Phase::sum : Phase::step;
        return result.error == 0 ? all_parts : Round{};
    }
    case Phase::sum:
        return go_on(Phase::step, Block::gradients, {.firsts = layers.seconds, .seconds = parts()});
    case Phase::step:
        return go_on(Phase::finish, Block::weights, layers);
    default:
        return {};
    }
}

/// Returns the parameters of a part that this process updates.
Network::ParameterRange Network::part_range(int part) noexcept {
    if (part >= layout_.workers) return layer_range(exchange_->owned_layer(part - layout_.workers));
    const auto workers = static_cast<std::uint64_t>(layout_.workers), index = static_cast<std::uint64_t>(part);
    const std::uint64_t vectors = layout_.slice_size(layout_.place.rank) / ArenaLayout::step;
    const std::uint64_t first = vectors * index / workers * ArenaLayout::step, end = vectors * (index + 1) / workers * ArenaLayout::step;
    return range_at(layout_.slice_begin(layout_.place.rank) + first, end - first);
}

/// Completes the gradients of a part, in Block::gradients.
int Network::complete_sums(int part, const Batch &batch) noexcept {
    if (part >= layout_.workers) return sum_over_batch(exchange_->owned_layer(part - layout_.workers), batch);
    const ParameterRange range = part_range(part);
    if (range.weights.empty()) return 0;
    const std::size_t begin = static_cast<std::size_t>(range.weights.data() - arena_) - layout_.slice_begin(layout_.place.rank);
    const std::span<const SubtreeSum> sums = exchange_->sums();
    const Subtree root{.first = 0, .size = static_cast<int>(std::bit_ceil(static_cast<unsigned>(batch_.shards)))};
    if (const int error = sum_tree(sums, root, begin, range.weights.size()); error != 0) return error;
    std::copy_n(sums.front().values + begin, range.weights.size(),
                arena_ + layout_.block(Block::gradients) + (range.weights.data() - arena_));
    return 0;
}

int Network::gather_moments() noexcept {
    if (!is_ready()) return -1;
    if (!exchange_) return 0;
    failure_.clear();
    for (const Block block : moments()) {
        if (exchange_->gather(block) != 0) return failure_.keep(not_exchanged);
    }
    return 0;
}

}  // namespace castnet

#include "tests/benchmark/pipelines.h"

#include <algorithm>
#include <new>

#include "runtime/pipelines.h"

namespace castnet::benchmark {

Pipelines::Pipelines(const NetworkDescription &network, int batch_size)
    : layout_(network, batch_size, 1), sharding_(network.sharding(batch_size)) {
    for (const LayerDescription &layer : network.layers) {
        if (!layer.is_taken_in) add_layer(layer);
    }
    add_step(network);
}

float *Pipelines::floats(std::size_t count) {
    constexpr std::align_val_t alignment{ArenaLayout::alignment};
    float *memory = static_cast<float *>(::operator new(std::max<std::size_t>(1, count) * sizeof(float), alignment));
    memory_.emplace_back(memory, [](float *owned) { ::operator delete(owned, alignment); });
    std::generate_n(memory, count, [&] { return random_.uniform() - 0.5F; });
    return memory;
}

void Pipelines::add_layer(const LayerDescription &layer) {
    const auto weights = [&] {
        return LayerWeights{.kernel = floats(layer.kernel_size()),
                            .bias = floats(layer.bias_size()),
                            .prepared = floats(ArenaLayout::prepared_size(layer))};
    };
    const LayerWeights values = weights(), gradients = weights();
    const Shape input_shape = layer.geometry().input();
    const int images = layout_.largest_piece(), summed_images = layer.sums_over_batch() ? layout_.batch_images : sharding_.images_per_shard;
    const int most_images = std::max(images, summed_images);
    float *const input = grids(input_shape, most_images), *const output = grids(layer.output, images);
    float *const scratch = floats(layer.map_kernel_size());
    float *const input_gradient = grids(input_shape, images), *const output_gradient = grids(layer.output, most_images);

    const double flops = 2.0 * static_cast<double>(layer.multiply_adds()) * images;
    const double in = sizeof(float) * static_cast<double>(input_shape.size()) * images;
    const double out = sizeof(float) * static_cast<double>(layer.output.size()) * images;
    const double kernel = sizeof(float) * static_cast<double>(layer.map_kernel_size());
    const double pieces = layout_.pieces, summed_pieces = static_cast<double>(summed_images) / images;
    const double shards = sharding_.shards;
    const auto add = [&](const std::string &pass, double flops_, double bytes, double calls, std::function<int(Failure &)> run) {
        calls_.push_back({std::string(layer.name) + " " + pass, flops_, bytes, calls, std::move(run)});
    };
    add("forward", flops, in + kernel + out, pieces,
        [=, &layer](Failure &failure) { return castnet::forward(failure, layer, values, input, output, images); });
    if (layer.keeps_sums)
        add("activate", 0, 2 * out, pieces,
            [=, &layer](Failure &failure) { return castnet::activate(failure, layer, output, output, images); });
    if (layer.backward_data != nullptr)
        add("backward_data", flops, out + kernel + 2 * in, pieces, [=, &layer](Failure &failure) {
            return castnet::backward_data(failure, layer, values, output_gradient, input, input, input_gradient, images);
        });
    if (layer.backward_weights != nullptr)
        add("backward_weights", summed_pieces * flops, summed_pieces * (in + out) + kernel, layer.sums_over_batch() ? 1 : shards,
            [=, &layer](Failure &failure) {
                return castnet::backward_weights(failure, layer, values, input, output_gradient, gradients, 0, scratch, summed_images);
            });
    if (layer.transpose_kernel != nullptr)
        add("prepare_kernel", 0, (layer.takes_in_upsample() ? 4 : 2) * kernel, 1,
            [=, &layer](Failure &failure) { return castnet::prepare_kernel(failure, layer, values); });
}

void Pipelines::add_step(const NetworkDescription &network) {
    const Shape shape = network.layers.back().output.flat();
    const int images = layout_.largest_piece();
    const float *output = grids(shape, images), *targets = grids(shape, images), *gradient = grids(shape, images);
    const float *errors = floats(static_cast<std::size_t>(images));
    const double grid_bytes = sizeof(float) * static_cast<double>(shape.size()) * images;
    calls_.push_back({"loss", 0, 3 * grid_bytes, static_cast<double>(layout_.pieces), [=, &network](Failure &failure) {
                          return network.loss_gradient(failure, {.output = Operand(output, shape, images),
                                                                 .targets = Operand(targets, shape, images),
                                                                 .scale = 1,
                                                                 .gradient = Operand(gradient, shape, images),
                                                                 .error = Operand(errors, {static_cast<std::size_t>(images)})});
                      }});

    add_sums(network);
    add_adam(network, "adam, of pieces", layout_.sharded, static_cast<std::size_t>(std::min(layout_.pieces, ArenaLayout::summed_at_once)));
    add_adam(network, "adam, of the batch", layout_.learned - layout_.sharded, 1);
}

/// Adds the sums within pieces: one over the parts of each node of the tree, two levels of which are summed at once.
void Pipelines::add_sums(const NetworkDescription &network) {
    const std::size_t count = layout_.sharded;
    const int piece_shards = layout_.piece_images / sharding_.images_per_shard;
    const auto rows = static_cast<std::size_t>(std::min(piece_shards, ArenaLayout::summed_at_once));
    double calls = 0;
    for (int shards = piece_shards; shards > 1; shards /= ArenaLayout::summed_at_once)
        calls += static_cast<double>(layout_.pieces) * piece_shards / shards;
    if (calls == 0 || count == 0) return;
    const float *shards = floats(count * rows), *sum = floats(count);
    const double bytes = sizeof(float) * static_cast<double>(count * (rows + 1));
    calls_.push_back({"sum_shards, of pieces", 0, bytes, calls, [=, &network](Failure &failure) {
                          return network.sum_shards(failure, {.shards = Operand(shards, {count, rows}), .sum = Operand(sum, {count})});
                      }});
}

void Pipelines::add_adam(const NetworkDescription &network, const std::string &name, std::size_t count, std::size_t shards) {
    if (count == 0) return;
    const float *gradients = floats(count * shards), *weights = floats(count), *moments_1 = floats(count);
    float *moments_2 = floats(count);
    std::fill_n(moments_2, count, 1.0F);
    const double bytes = sizeof(float) * static_cast<double>(count) * (static_cast<double>(shards) + 6);
    calls_.push_back({name, 0, bytes, 1, [=, &network](Failure &failure) {
                          return network.adam(failure, {.gradients = Operand(gradients, {count, shards}),
                                                        .rate = 1e-3F,
                                                        .decay = 0,
                                                        .beta_1 = 0.9F,
                                                        .beta_2 = 0.999F,
                                                        .epsilon = 1e-7F,
                                                        .state_0 = Operand(weights, {count}),
                                                        .state_1 = Operand(moments_1, {count}),
                                                        .state_2 = Operand(moments_2, {count})});
                      }});
}

}  // namespace castnet::benchmark

#include "runtime/exchange.h"

#include <algorithm>
#include <bit>

namespace castnet {

Exchange::Exchange(Ranks &ranks, const NetworkDescription &description, const ArenaLayout &layout, float *arena,
                   std::span<const LayerOffsets> offsets, const GridPlace &gathered, SubtreeSum *sums, int *counts) noexcept
    : ranks_(ranks),
      description_(description),
      layout_(layout),
      arena_(arena),
      offsets_(offsets),
      gathered_{.begin = arena + gathered.begin, .image_size = gathered.image_size},
      all_sums_(sums, static_cast<std::size_t>(layout.received_sums)) {
    const auto processes = static_cast<std::size_t>(layout.place.ranks);
    for (std::span<int> *list : {&sent_counts_, &received_counts_, &slice_sizes_, &owned_sizes_}) {
        *list = {counts, processes};
        counts += processes;
    }
    for (std::size_t rank = 0; rank < processes; rank++) slice_sizes_[rank] = static_cast<int>(layout.slice_size(static_cast<int>(rank)));
    for (std::size_t l = 0; l < offsets.size(); l++) {
        const LayerDescription &layer = description.layers[l];
        if (layer.sums_over_batch())
            owned_sizes_[static_cast<std::size_t>(offsets[l].owner)] += static_cast<int>(ArenaLayout::parameter_floats(layer));
    }
}

bool Exchange::owns(std::size_t layer, int rank) const noexcept {
    return description_.layers[layer].sums_over_batch() && offsets_[layer].owner == rank;
}

int Exchange::owned_layers() const noexcept {
    int count = 0;
    for (std::size_t l = 0; l < offsets_.size(); l++) count += owns(l, layout_.place.rank) ? 1 : 0;
    return count;
}

std::size_t Exchange::owned_layer(int index) const noexcept {
    std::size_t layer = 0;
    while (!owns(layer, layout_.place.rank) || index-- > 0) layer++;
    return layer;
}

/// Calls visit(grid) for the grids of which a process gets everyone's images.
template <typename Visit>
void Exchange::for_each_grid(int reader, const Visit &visit) const noexcept {
    visit(Grid{.begin = arena_ + layout_.errors(), .image_size = 1});
    for (std::size_t l = 0; l < offsets_.size(); l++) {
        if (!owns(l, reader)) continue;
        const GridPlace &input = l > 0 ? offsets_[l - 1].output : GridPlace{}, &gradient = offsets_[l].output_gradient;
        visit(l > 0 ? Grid{.begin = arena_ + input.begin, .image_size = input.image_size} : gathered_);
        visit(Grid{.begin = arena_ + gradient.begin, .image_size = gradient.image_size});
    }
}

/// Counts the floats of the messages about a batch.
void Exchange::plan(const Sharding &batch) noexcept {
    if (batch.images == planned_images_) return;
    planned_images_ = batch.images;
    for (int rank = 0; rank < layout_.place.ranks; rank++) {
        const auto index = static_cast<std::size_t>(rank);
        sent_counts_[index] = static_cast<int>(layout_.message_size(description_, batch, layout_.place.rank, rank));
        received_counts_[index] = static_cast<int>(layout_.message_size(description_, batch, rank, layout_.place.rank));
    }
}

/// Writes the message to a process. Returns its end.
float *Exchange::pack(const Sharding &batch, std::span<const SubtreeSum> pieces, const State &state, int to,
                      float *message) const noexcept {
    const ShardRange range = batch.range_of(layout_.place.rank, layout_.place.ranks);
    message[0] = std::bit_cast<float>(state.error);
    message[1] = std::bit_cast<float>(state.wishes);
    float *end = message + ArenaLayout::state_size;
    const std::size_t slice = layout_.slice_begin(to), size = layout_.slice_size(to);
    auto piece = pieces.begin();
    batch.for_each_subtree(range, Sharding::all, [&](const Subtree &node) {
        while (piece->node.first != node.first) piece++;
        end = std::copy_n(piece->values + slice, size, end);
    });
    const auto first = static_cast<std::size_t>(batch.first_image(range.begin)),
               images = static_cast<std::size_t>(batch.images_in(range.begin, range.end));
    for_each_grid(to, [&](const Grid &grid) {
        std::copy_n(grid.begin + first * grid.image_size, images * grid.image_size, end);
        end += ArenaLayout::padded(images * grid.image_size);
    });
    return end;
}

/// Reads the message of a process. Returns its end.
const float *Exchange::unpack(const Sharding &batch, int from, float *message, State &state) noexcept {
    const ShardRange range = batch.range_of(from, layout_.place.ranks);
    if (const int error = std::bit_cast<int>(message[0]); error != 0) state.error = error;
    state.wishes |= std::bit_cast<std::uint32_t>(message[1]);
    float *end = message + ArenaLayout::state_size;
    batch.for_each_subtree(range, Sharding::all, [&](const Subtree &node) {
        all_sums_[sums_.size()] = {.node = node, .values = end};
        sums_ = all_sums_.first(sums_.size() + 1);
        end += layout_.slice_size(layout_.place.rank);
    });
    const auto first = static_cast<std::size_t>(batch.first_image(range.begin)),
               images = static_cast<std::size_t>(batch.images_in(range.begin, range.end));
    for_each_grid(layout_.place.rank, [&](const Grid &grid) {
        if (from != layout_.place.rank) std::copy_n(end, images * grid.image_size, grid.begin + first * grid.image_size);
        end += ArenaLayout::padded(images * grid.image_size);
    });
    return end;
}

int Exchange::exchange(const Sharding &batch, std::span<const SubtreeSum> pieces, State &state) noexcept {
    plan(batch);
    float *const sent = arena_ + layout_.exchanged(), *end = sent;
    for (int rank = 0; rank < layout_.place.ranks; rank++) end = pack(batch, pieces, state, rank, end);
    const std::span<float> received(sent + layout_.sent, layout_.received);
    if (const int error = ranks_.exchange({sent, end}, sent_counts_, received, received_counts_); error != 0) return error;
    sums_ = {};
    float *message = received.data();
    for (int rank = 0; rank < layout_.place.ranks; rank++) {
        unpack(batch, rank, message, state);
        message += received_counts_[static_cast<std::size_t>(rank)];
    }
    return 0;
}

int Exchange::gather(Block block) noexcept {
    float *const parameters = arena_ + layout_.block(block);
    const auto sharded = static_cast<std::size_t>(layout_.sharded), owned = static_cast<std::size_t>(layout_.learned) - sharded;
    const int error = sharded > 0 ? ranks_.gather({parameters, sharded}, slice_sizes_) : 0;
    return error != 0 || owned == 0 ? error : ranks_.gather({parameters + sharded, owned}, owned_sizes_);
}

}  // namespace castnet

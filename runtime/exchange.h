// What the processes that train a network together send each other: sums of gradients, and weights.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/description.h"
#include "runtime/ranks.h"

namespace castnet {

/// Exchanges what the arena of a network has, in room that its layout leaves for that. Allocates nothing, throws nothing.
class Exchange {
public:
    /// The arena, the layers' offsets and the place of gathered images are the network's. `sums` has room for layout.received_sums,
    /// `counts` for ArenaLayout::counts_of_rank of each process.
    Exchange(Ranks &ranks, const NetworkDescription &description, const ArenaLayout &layout, float *arena,
             std::span<const LayerOffsets> offsets, const GridPlace &gathered, SubtreeSum *sums, int *counts) noexcept;

    /// What processes tell each other with a step.
    struct State {
        int error = 0;             ///< the sender's; afterwards that of any
        std::uint32_t wishes = 0;  ///< all processes' together
    };
    /// Sends every process what it needs of this one's: the errors of its images, the sums of its subtrees in the other's slice, and its
    /// images' grids for the layers whose gradients the other computes. Gets the same. `pieces` have sums of this process's subtrees, each
    /// in the row of its first piece. Returns 0 or an error of the communication.
    int exchange(const Sharding &batch, std::span<const SubtreeSum> pieces, State &state) noexcept;
    /// Returns the sums of all processes' subtrees in this one's slice, in the shards' order.
    [[nodiscard]] std::span<const SubtreeSum> sums() const { return sums_; }

    /// Gives all processes the parameters of a block that each has updated. Returns 0 or an error of the communication.
    int gather(Block block) noexcept;

    /// Returns how many layers there are whose gradients this process computes; they sum over the batch.
    [[nodiscard]] int owned_layers() const noexcept;
    /// Returns the layer among these.
    [[nodiscard]] std::size_t owned_layer(int index) const noexcept;

private:
    /// Numbers of every image in a batch.
    struct Grid {
        float *begin;
        std::size_t image_size;
    };
    void plan(const Sharding &batch) noexcept;
    [[nodiscard]] bool owns(std::size_t layer, int rank) const noexcept;
    template <typename Visit>
    void for_each_grid(int reader, const Visit &visit) const noexcept;
    float *pack(const Sharding &batch, std::span<const SubtreeSum> pieces, const State &state, int to, float *message) const noexcept;
    const float *unpack(const Sharding &batch, int from, float *message, State &state) noexcept;

    Ranks &ranks_;
    const NetworkDescription &description_;
    const ArenaLayout &layout_;
    float *arena_;
    std::span<const LayerOffsets> offsets_;
    Grid gathered_;
    std::span<int> sent_counts_, received_counts_, slice_sizes_, owned_sizes_;  // by process
    std::span<SubtreeSum> all_sums_, sums_;
    int planned_images_ = 0;  // what the counts of messages are for
};

}  // namespace castnet

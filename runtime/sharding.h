// How a batch is cut into shards, and how their gradients are summed: in one binary tree, for any number of threads and processes.
#pragma once

#include <algorithm>
#include <bit>
#include <limits>

namespace castnet {

constexpr int divide_up(int a, int b) {
    return a / b + (a % b != 0 ? 1 : 0);
}

/// A node of the tree over a batch's shards, which stands for the shards first … first + size - 1, as far as there are any. `size` is a
/// power of two and `first` a multiple of it, so that the halves of a node are nodes too. Its sum is that of its halves' sums; a half
/// without shards adds nothing.
struct Subtree {
    int first = 0, size = 1;

    constexpr bool operator==(const Subtree &) const = default;
};

/// The shards from `begin` up to but without `end`: those of one process.
struct ShardRange {
    int begin = 0, end = 0;

    [[nodiscard]] constexpr int size() const { return end - begin; }
    constexpr bool operator==(const ShardRange &) const = default;
};

/// A batch's shards. Each shard's gradient is its own, so that all sums follow from the shards alone.
struct Sharding {
    int images = 0;  ///< in the batch
    int images_per_shard = 1;
    int shards = 0;

    constexpr Sharding(int batch_images, int images_per_shard_)
        : images(batch_images), images_per_shard(images_per_shard_), shards(divide_up(images, images_per_shard)) {}
    /// Returns the shards of a training step. They have as many images as the largest power of two, up to 16, whose square is at most an
    /// eighth of the batch, so that 16 processes can share a batch of 32, 64 one of 512, and larger batches have both larger and more
    /// shards; but `least` or more, as long as there are four.
    static constexpr Sharding of_step(int batch_images, int least) {
        int images = 1;
        while (images < most_images && (8 * 4 * images * images <= batch_images || images < least) && 4 * 2 * images <= batch_images)
            images *= 2;
        return {batch_images, images};
    }
    static constexpr int most_images = 16;

    [[nodiscard]] constexpr int first_image(int shard) const { return shard < shards ? shard * images_per_shard : images; }
    /// Returns the images of the shards that there are from `first` up to but without `end`.
    [[nodiscard]] constexpr int images_in(int first, int end) const { return first_image(end) - first_image(first); }
    [[nodiscard]] constexpr int images_in(const Subtree &node) const { return images_in(node.first, node.first + node.size); }

    /// Returns the shards of one of `processes`. None has more than the shards over the processes, rounded up. Within that each range ends
    /// where the fewest subtrees cover it: at the number that the largest power of two divides.
    [[nodiscard]] constexpr ShardRange range_of(int process, int processes) const {
        const int most = divide_up(shards, processes);
        ShardRange range;
        for (int p = 0; p <= process; p++) {
            range.begin = range.end;
            const int least = std::max(range.begin + 1, shards - (processes - 1 - p) * most);
            range.end = std::min(range.begin + most, shards);
            while (range.end < shards && (range.end & (range.end - 1)) >= least) range.end &= range.end - 1;
        }
        return range;
    }

    /// Calls visit(subtree) for the fewest subtrees of at most `most` shards that cover the range, in order.
    template <typename Visit>
    constexpr void for_each_subtree(const ShardRange &range, int most, const Visit &visit) const {
        // The last one may reach beyond the shards that there are.
        const auto end = range.end == shards ? std::bit_ceil(static_cast<unsigned>(shards)) : static_cast<unsigned>(range.end);
        for (int first = range.begin; first < range.end;) {
            const int room = static_cast<int>(std::bit_floor(end - static_cast<unsigned>(first)));
            const int size = std::min({most, room, first == 0 ? most : first & -first});
            visit(Subtree{first, size});
            first += size;
        }
    }
    static constexpr int all = std::numeric_limits<int>::max() / 2 + 1;  ///< for most: 2³⁰ shards

    [[nodiscard]] constexpr int count_subtrees(const ShardRange &range, int most) const {
        int count = 0;
        for_each_subtree(range, most, [&](const Subtree &) { count++; });
        return count;
    }

    /// Calls visit(sharding) for steps on at most `images` images: for all numbers of shards, with the most images of each.
    template <typename Visit>
    static constexpr void for_each(int images, int least, const Visit &visit) {
        for (int batch = 1; batch <= images; batch++) {
            const Sharding sharding = of_step(batch, least), next = of_step(batch + 1, least);
            if (batch == images || next.shards != sharding.shards || next.images_per_shard != sharding.images_per_shard) visit(sharding);
        }
    }
};

}  // namespace castnet

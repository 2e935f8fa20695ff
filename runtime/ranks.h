// The processes that train one network together, each on its own shards of every batch.
#pragma once

#include <span>

#include "runtime/description.h"

namespace castnet {

/// The message of a step that failed in another process, not in this one.
inline constexpr const char *failed_elsewhere = "another process failed, and says why";

/// The message of a step in which this process could not exchange with others.
inline constexpr const char *not_exchanged = "the processes that train together no longer hear each other";

/// How processes talk to each other: MPI's, or threads that stand for processes. All of them make the same calls in the same order. A call
/// returns when this process has all that it gets: 0, or an error. None allocates or throws.
class Ranks {
public:
    Ranks() = default;
    Ranks(const Ranks &) = delete;
    Ranks &operator=(const Ranks &) = delete;
    virtual ~Ranks() = default;

    /// Returns which of the processes this one is, and how many there are.
    [[nodiscard]] virtual Place place() const = 0;

    /// Sends one part to every process, itself included, and gets one from each. Part p of `sent` has sent_counts[p] floats and begins
    /// where part p - 1 ends; `received` is alike.
    virtual int exchange(std::span<const float> sent, std::span<const int> sent_counts, std::span<float> received,
                         std::span<const int> received_counts) noexcept = 0;

    /// Gives everyone's part of `values` to all: process p has part p. The parts have counts[p] floats and follow each other.
    virtual int gather(std::span<float> values, std::span<const int> counts) noexcept = 0;
};

}  // namespace castnet

// The roofline model (Williams, Waterman & Patterson 2009): the least time of a training step on the machine's arithmetic and memory.
#pragma once

#include <string>

#include "runtime/description.h"

namespace castnet {

struct Work {
    double flops = 0, bytes = 0;
};

/// The roofs of this machine for a network, in operations and bytes per second.
struct Roof {
    double flops_per_second = 0, bytes_per_second = 0;
};

/// Returns the work of a step on a batch of `images`. It computes two operations per multiply-add. It moves, in floats,
///
///     parameters · (2 · pieces + 3 + 2 · slots)  +  images · (input + 4 · the outputs of all layers):
///
/// each shard's gradient is written and read; the passes read the weights; the optimizer reads and writes weights and its slots; images are
/// read; outputs and their gradients are written and read. What is soon read again counts once, as a cache may hold it.
Work training_work(const NetworkDescription &network, int images, int slots);

/// Returns how near the step comes to the lower of its two roofs, as "84% of the FMA peak" or "61% of the memory roof". Returns "" if it is
/// so short that forks, barriers and calls limit it.
std::string share_of_roof(const Work &step, const Roof &roof, double seconds);

/// Measures both roofs in some milliseconds. Copies within as much memory as the network has.
Roof measure_roof(const NetworkDescription &network, int batch_size, int threads);

}  // namespace castnet

// The roofline model (Williams, Waterman & Patterson 2009): the least time that the machine's arithmetic and memory leave a training step.
#pragma once

#include <string>

#include "runtime/description.h"

namespace castnet {

struct Work {
    double flops = 0, bytes = 0;
};

/// The roofs of this machine for a network, in operations and bytes a second.
struct Roof {
    double flops_per_second = 0, bytes_per_second = 0;
};

/// Of a step on a batch of `images`. It computes two operations a multiply-add. It moves, in floats,
///
///     parameters · (2 · shards + 7)  +  images · (input + 4 · the outputs of all layers):
///
/// each shard's gradient is written and read; weights are read by the passes, and weights and both moments are read and written by Adam;
/// an image is read; outputs and their gradients are written and read. What is read again soon counts once: a cache may hold it.
Work training_work(const NetworkDescription &network, int images);

/// What the step makes of the lower of its two roofs, as "84% of the FMA peak" or "61% of the memory roof"; "" where it is so short that
/// forks, barriers and calls limit it.
std::string share_of_roof(const Work &step, const Roof &roof, double seconds);

/// Takes some milliseconds. Memory is copied within as much of it as the network has.
Roof measure_roof(const NetworkDescription &network, int batch_size, int threads);

}  // namespace castnet

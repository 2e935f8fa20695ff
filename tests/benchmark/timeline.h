// When each worker runs each pipeline of a training step: where a step is longer than the sum of its pipelines.
#pragma once

#include <string>
#include <vector>

#include "runtime/description.h"

namespace castnet::benchmark {

/// One call of a pipeline. Times are seconds from the first step's beginning.
struct Event {
    std::string_view layer, pass;  ///< no layer of the network's own pipelines
    double begin = 0, end = 0;
    bool updates = false;  ///< belongs to a layer's update, the second part of a step
};

/// The steps of a training run, and what each worker did meanwhile, in its order.
struct Timeline {
    std::vector<double> steps;  ///< when each step began, and when the last one ended
    std::vector<std::vector<Event>> workers;
};

/// Trains on random images, and records. At most one thread may record at a time. The description's layers are at most 64. Throws
/// std::runtime_error if a step fails.
Timeline record_steps(const NetworkDescription &network, int batch_size, int threads, int steps);

/// Returns the median step as text: of each worker its shares of the step, then its calls, with microseconds from the step's beginning.
std::string text_of(const Timeline &timeline);

}  // namespace castnet::benchmark

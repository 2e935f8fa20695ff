#include "runtime/optimizer.h"

#include <cmath>

#include "castnet_adam.h"
#include "runtime/arguments.h"
#include "runtime/parallel.h"

namespace castnet {

int Adam::step(Network &network) noexcept {
    steps++;
    const auto t = static_cast<double>(steps);
    const double correction = std::sqrt(1 - std::pow(static_cast<double>(beta_2), t)) / (1 - std::pow(static_cast<double>(beta_1), t));
    const auto rate = static_cast<float>(static_cast<double>(learning_rate) * correction);

    auto update_layer = [&](int index) {
        const auto layer = static_cast<std::size_t>(index);
        const Network::ParameterRange range = network.parameter_range(layer);
        const auto operand = [](std::span<float> values) { return Operand(values.data(), {values.size()}); };
        Operand gradients(range.shard_gradients, {range.weights.size(), range.shards});
        gradients.with_last_stride(range.shard_stride);
        float step_rate = rate, decay_1 = beta_1, decay_2 = beta_2, floor = epsilon;
        if (const int error = run(castnet_adam_argv, gradients, step_rate, decay_1, decay_2, floor, operand(range.weights),
                                  operand(range.moments_1), operand(range.moments_2));
            error != 0)
            return error;
        return network.transpose_kernel(layer);
    };
    return parallel_for(static_cast<int>(network.description().layers.size()), update_layer);
}

}  // namespace castnet

// Every pipeline that a training step calls, with its arithmetic and its memory traffic.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/layer.h"
#include "runtime/random.h"

namespace castnet::benchmark {

struct PipelineCall {
    std::string name;
    double flops = 0;           ///< per call; 0 if memory is the limit
    double bytes = 0;           ///< per call: every operand read or written once
    double calls_per_step = 0;  ///< per training step
    std::function<int(Failure &)> run;
};

class Pipelines {
public:
    /// Prepares the calls on pieces and shards of a batch of `batch_size` random images, as one thread computes it.
    Pipelines(const NetworkDescription &network, int batch_size);

    [[nodiscard]] const std::vector<PipelineCall> &calls() const { return calls_; }

private:
    void add_layer(const LayerDescription &layer);
    void add_step(const NetworkDescription &network);
    void add_sums(const NetworkDescription &network);
    void add_adam(const NetworkDescription &network, const std::string &name, std::size_t count, std::size_t shards);
    float *floats(std::size_t count);  // random values, aligned to 64 bytes
    float *grids(const Shape &shape, int images) { return floats(shape.size() * static_cast<std::size_t>(images)); }

    ArenaLayout layout_;
    Sharding sharding_;
    Random random_{1};
    std::vector<std::shared_ptr<float>> memory_;
    std::vector<PipelineCall> calls_;
};

}  // namespace castnet::benchmark

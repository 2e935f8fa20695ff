// Every pipeline that a training step of a network calls, with its arithmetic and its memory traffic.
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
    double flops = 0;           ///< of a call; 0 where memory is the limit
    double bytes = 0;           ///< of a call: every operand read or written once
    double calls_per_step = 0;  ///< of a training step
    std::function<int(Failure &)> run;
};

class Pipelines {
public:
    /// On shards of a batch of `batch_size` images of random values.
    Pipelines(const NetworkDescription &network, int batch_size);

    [[nodiscard]] const std::vector<PipelineCall> &calls() const { return calls_; }

private:
    void add_layer(const LayerDescription &layer);
    void add_step(const NetworkDescription &network);
    float *floats(std::size_t count);  // random, on a 64-byte boundary
    float *grids(const Shape &shape) { return floats(shape.size() * static_cast<std::size_t>(images_)); }

    Sharding sharding_;
    int images_;  // of a shard
    Random random_{1};
    std::vector<std::shared_ptr<float>> memory_;
    std::vector<PipelineCall> calls_;
};

}  // namespace castnet::benchmark

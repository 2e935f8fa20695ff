#include "tests/benchmark/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <span>
#include <stdexcept>
#include <utility>

#include "runtime/autoencoder.h"
#include "runtime/parallel.h"
#include "runtime/pipelines.h"
#include "runtime/random.h"

namespace castnet::benchmark {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t most_layers = 64, most_workers = 256;

/// What the recording pipelines write to: each thread to a list of its own.
struct Recorder {
    Clock::time_point begin = Clock::now();
    std::atomic<std::size_t> threads{0};
    std::vector<std::vector<Event>> events{most_workers};
    std::span<const LayerDescription> layers;

    [[nodiscard]] double now() const { return std::chrono::duration<double>(Clock::now() - begin).count(); }
    void add(const Event &event) {
        thread_local const Recorder *of = nullptr;
        thread_local std::size_t own = 0;
        if (of != this) {
            of = this;
            own = threads++;
        }
        events.at(own).push_back(event);
    }
};
Recorder *recorder = nullptr;  // pipelines are plain functions, and know nothing but their operands

/// The pipelines that take such operands, by layer, and the name of their pass.
template <typename Operands>
struct Originals {
    static inline std::array<Pipeline<Operands>, most_layers> pipelines{};
    static inline std::string_view pass;
    static inline std::array<bool, most_layers> updates{};
};

/// Calls the pipeline that it stands for, and records when.
template <typename Operands, std::size_t layer>
int record(Failure &failure, const Operands &operands) {
    using Own = Originals<Operands>;
    const double begin = recorder->now();
    const int error = Own::pipelines[layer](failure, operands);
    recorder->add(
        {layer < recorder->layers.size() ? recorder->layers[layer].name : "", Own::pass, begin, recorder->now(), Own::updates[layer]});
    return error;
}

template <typename Operands, std::size_t... layers>
constexpr std::array<Pipeline<Operands>, sizeof...(layers)> recording_pipelines(std::index_sequence<layers...>) {
    return {record<Operands, layers>...};
}

/// Puts a recording pipeline in the place of `pipeline`.
template <typename Operands>
void replace(Pipeline<Operands> &pipeline, std::size_t layer, std::string_view pass, bool updates) {
    static constexpr auto recording = recording_pipelines<Operands>(std::make_index_sequence<most_layers>());
    if (pipeline == nullptr) return;
    Originals<Operands>::pass = pass;
    Originals<Operands>::updates.at(layer) = updates;
    Originals<Operands>::pipelines.at(layer) = pipeline;
    pipeline = recording.at(layer);
}

void replace_all(LayerDescription &layer, std::size_t index) {
    replace(layer.forward, index, "forward", false);
    replace(layer.activate, index, "activate", false);
    replace(layer.backward_data, index, "backward_data", false);
    replace(layer.backward_weights, index, "backward_weights", layer.sums_over_batch());
    replace(layer.fold_gradient, index, "fold_gradient", false);
    replace(layer.stretch_kernel, index, "stretch_kernel", true);
    replace(layer.transpose_kernel, index, "transpose_kernel", true);
}

void replace_all(NetworkDescription &network) {
    constexpr std::size_t no_layer = most_layers - 1;
    replace(network.loss_gradient, no_layer, "loss", false);
    replace(network.sum_shards, no_layer, "sum_shards", false);
    replace(network.adam, no_layer, "adam", true);
}

}  // namespace

Timeline record_steps(const NetworkDescription &network, int batch_size, int threads, int steps) {
    if (network.layers.size() >= most_layers) throw std::runtime_error("the network has too many layers to record");
    std::vector<LayerDescription> layers(network.layers.begin(), network.layers.end());
    for (std::size_t l = 0; l < layers.size(); l++) replace_all(layers[l], l);
    NetworkDescription recorded = network;
    recorded.layers = layers;
    replace_all(recorded);

    Recorder own;
    own.layers = network.layers;
    recorder = &own;
    Autoencoder model(recorded, {.batch_size = batch_size, .threads = threads});
    if (!model.is_ready()) throw std::runtime_error(model.error_message());
    use_threads(threads);
    Random random(1);
    const auto count = static_cast<std::size_t>(batch_size);
    std::vector<float> images(count * network.input.size()), targets(count * network.output.size());
    for (std::vector<float> *values : {&images, &targets}) std::ranges::generate(*values, [&] { return random.uniform(); });
    const Batch batch = Batch::of(images, targets, batch_size);

    Timeline timeline;
    timeline.steps.reserve(static_cast<std::size_t>(steps) + 1);
    int error = 0;
    model.train([&](const StepResult *last) -> const Batch * {
        timeline.steps.push_back(own.now());
        if (last != nullptr) error = last->error;
        return error == 0 && timeline.steps.size() <= static_cast<std::size_t>(steps) ? &batch : nullptr;
    });
    recorder = nullptr;
    if (error != 0) throw std::runtime_error(model.error_message());
    own.events.resize(own.threads);
    timeline.workers = std::move(own.events);
    return timeline;
}

namespace {

/// How a worker spent a step, in seconds.
struct Shares {
    double shards = 0, updates = 0;  ///< in pipelines
    double waits = 0;                ///< for the other workers' shards, and at the step's end
    double rest = 0;                 ///< between pipelines: gathering, operands, the next piece
};

Shares shares_of(std::span<const Event> events, double begin, double end) {
    Shares shares;
    double last_shard = begin, first_update = end, last = begin;
    for (const Event &event : events) {
        (event.updates ? shares.updates : shares.shards) += event.end - event.begin;
        if (!event.updates) last_shard = event.end;
        if (event.updates) first_update = std::min(first_update, event.begin);
        last = event.end;
    }
    shares.waits = std::max(0.0, first_update - last_shard) + (first_update < end ? end - last : 0);
    shares.rest = end - begin - shares.shards - shares.updates - shares.waits;
    return shares;
}

/// Returns the index of the step whose length is the median, without the first tenth, which warms caches up.
std::size_t median_step(const std::vector<double> &steps) {
    std::vector<std::size_t> order;
    for (std::size_t i = steps.size() / 10; i + 1 < steps.size(); i++) order.push_back(i);
    const auto length = [&](std::size_t i) { return steps[i + 1] - steps[i]; };
    const auto middle = order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2);
    std::ranges::nth_element(order, middle, {}, length);
    return *middle;
}

}  // namespace

std::string text_of(const Timeline &timeline) {
    const std::size_t step = median_step(timeline.steps);
    const double begin = timeline.steps[step], end = timeline.steps[step + 1];
    std::string text = fmt::format("the median step: {:.1f} µs\n", 1e6 * (end - begin)), calls;
    for (std::size_t worker = 0; worker < timeline.workers.size(); worker++) {
        const std::vector<Event> &all = timeline.workers[worker];
        const auto first = std::ranges::lower_bound(all, begin, {}, &Event::begin),
                   last = std::ranges::lower_bound(all, end, {}, &Event::begin);
        const std::span<const Event> events(first, last);
        const Shares shares = shares_of(events, begin, end);
        const auto percent = [&](double seconds) { return 100 * seconds / (end - begin); };
        text += fmt::format("worker {}: {:.1f} % in shards, {:.1f} % in updates, {:.1f} % waiting, {:.1f} % between pipelines\n", worker,
                            percent(shares.shards), percent(shares.updates), percent(shares.waits), percent(shares.rest));
        for (const Event &event : events)
            calls += fmt::format("{:>9.1f} {:>9.1f}  worker {}  {} {}\n", 1e6 * (event.begin - begin), 1e6 * (event.end - begin), worker,
                                 event.layer, event.pass);
    }
    return text + "     from        to\n" + calls;
}

}  // namespace castnet::benchmark

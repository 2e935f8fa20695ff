// Measures the speed of one network and the peak of the machine. The build defines the network's name and header.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include CASTNET_NETWORK_HEADER
#include "runtime/network.h"
#include "runtime/parallel.h"
#include "runtime/target.h"
#include "tests/benchmark/pipelines.h"
#include "tests/benchmark/timeline.h"
#include "train/machine/copy_peak.h"
#include "train/machine/fma_peak.h"
#include "train/options/level_option.h"

namespace castnet::benchmark {
namespace {

struct Options {
    int batch_size = 32;
    int threads = 1;
    int rounds = 200, steps = 200;
    std::string level;
    bool json = false;
};

/// Prints each pipeline's GFLOP/s and GB/s on one thread, and its shares of the roof and of the step.
void print_pipelines(const NetworkDescription &network, const Options &options) {
    use_threads(1);
    const Pipelines pipelines(network, options.batch_size);
    FmaPeak fma(network, 1);
    CopyPeak copy(std::size_t{512} << 10U, 1);  // fits the second-level cache, but not the first
    std::vector<BestTime> times(pipelines.calls().size());
    Failure failure;
    for (int round = 0; round < options.rounds; round++) {
        fma.sample();
        copy.sample();
        for (std::size_t i = 0; i < times.size(); i++) {
            const auto call = [&] {
                if (pipelines.calls()[i].run(failure) != 0) throw std::runtime_error(failure.message());
            };
            times[i].sample(3, call);
        }
    }

    double step = 0;
    for (std::size_t i = 0; i < times.size(); i++) step += times[i].seconds() * pipelines.calls()[i].calls_per_step;
    const double peak = fma.flops_per_second(), bandwidth = copy.bytes_per_second();
    nlohmann::ordered_json rows;
    for (std::size_t i = 0; i < times.size(); i++) {
        const PipelineCall &call = pipelines.calls()[i];
        const double seconds = times[i].seconds();
        const double roof = std::max(call.flops / peak, call.bytes / bandwidth);
        rows.push_back({{"pipeline", call.name},
                        {"microseconds", seconds * 1e6},
                        {"gflops", call.flops / seconds / 1e9},
                        {"gigabytes_per_second", call.bytes / seconds / 1e9},
                        {"share_of_roof", roof / seconds},
                        {"share_of_step", seconds * call.calls_per_step / step}});
    }
    if (options.json) {
        fmt::print("{}\n", rows.dump());
        return;
    }
    fmt::print("{}: one thread, shards of a batch of {}; roofs {:.1f} GFLOP/s and {:.1f} GB/s\n", network.name, options.batch_size,
               peak / 1e9, bandwidth / 1e9);
    fmt::print("{:<38}{:>9}{:>10}{:>9}{:>9}{:>9}\n", "pipeline", "µs", "GFLOP/s", "GB/s", "of roof", "of step");
    for (const auto &row : rows)
        fmt::print("{:<38}{:>9.1f}{:>10.1f}{:>9.1f}{:>8.0f}%{:>8.1f}%\n", row["pipeline"].get<std::string>(),
                   row["microseconds"].get<double>(), row["gflops"].get<double>(), row["gigabytes_per_second"].get<double>(),
                   100 * row["share_of_roof"].get<double>(), 100 * row["share_of_step"].get<double>());
    fmt::print("sum of a step's calls: {:.3f} ms, {:.1f}% of the FMA peak\n", step * 1e3,
               100 * 2.0 * static_cast<double>(network.training_multiply_adds()) * options.batch_size / peak / step);
}

void print_peak(const NetworkDescription &network, const Options &options) {
    FmaPeak fma(network, options.threads);
    for (int round = 0; round < options.rounds; round++) fma.sample();
    fmt::print("{:.6g}\n", fma.flops_per_second());
}

/// Prints the seconds per batch through the whole network.
void print_inference(const NetworkDescription &description, const Options &options) {
    use_threads(options.threads);
    Network network(description, options.batch_size, options.threads, Purpose::inference);
    Random random(1);
    if (glorot_uniform(network, random) != 0) throw std::runtime_error(network.error_message());
    const auto images = static_cast<std::size_t>(options.batch_size);
    std::vector<float> inputs(images * description.input.size()), outputs(images * description.output.size());
    for (float &value : inputs) value = random.uniform();
    BestTime time;
    const auto infer = [&] {
        if (network.forward(0, description.layers.size(), inputs, outputs, images) != 0) throw std::runtime_error(network.error_message());
    };
    for (int round = 0; round < options.rounds; round++) time.sample(1, infer);
    fmt::print("{:.6g}\n", time.seconds());
}

int benchmark_main(int argc, char **argv, std::span<const NetworkDescription> levels) {
    CLI::App app("Measures a network's pipelines and its inference, and the machine's FMA peak.");
    app.require_subcommand(1);
    Options options;
    const auto add = [&](const char *name, const char *help) {
        CLI::App *command = app.add_subcommand(name, help);
        command->add_option("--rounds", options.rounds, "Number of samples; the best one counts")->check(CLI::PositiveNumber);
        add_level_option(*command, options.level, levels);
        return command;
    };
    const auto add_threads = [&](CLI::App *command) { command->add_option("--threads", options.threads)->check(CLI::PositiveNumber); };
    const auto add_batch = [&](CLI::App *command) { command->add_option("--batch-size", options.batch_size)->check(CLI::PositiveNumber); };
    CLI::App *pipelines = add("pipelines", "Measures each pipeline against the roof");
    add_batch(pipelines);
    pipelines->add_flag("--json", options.json, "Prints one line of JSON instead of the table");
    CLI::App *peak = add("peak", "Measures the FMA peak in floating-point operations per second");
    add_threads(peak);
    CLI::App *inference = add("inference", "Measures the seconds per batch");
    add_threads(inference);
    add_batch(inference);
    CLI::App *timeline = app.add_subcommand("timeline", "Prints what each worker does when in the median of some training steps");
    timeline->add_option("--steps", options.steps, "Steps to train")->check(CLI::Range(10, 100000));
    add_level_option(*timeline, options.level, levels);
    add_threads(timeline);
    add_batch(timeline);
    try {
        app.parse(argc, argv);
        const NetworkDescription &network = *find_level(levels, options.level);
        if (pipelines->parsed()) print_pipelines(network, options);
        if (peak->parsed()) print_peak(network, options);
        if (inference->parsed()) print_inference(network, options);
        if (timeline->parsed()) fmt::print("{}", text_of(record_steps(network, options.batch_size, options.threads, options.steps)));
        return 0;
    } catch (const CLI::ParseError &error) {
        return app.exit(error);
    } catch (const std::exception &error) {
        fmt::print(stderr, "error: {}\n", error.what());
        return 1;
    }
}

}  // namespace
}  // namespace castnet::benchmark

int main(int argc, char **argv) {
    return castnet::benchmark::benchmark_main(argc, argv, CASTNET_NETWORK::levels);
}

// castnet_measure GENERATOR name=value… --peak FILE.so --contender FILE.so… checks compiled pipelines against the formula, and times them
// in turns in one run on the same inputs, beside the pipeline fma_peak. Prints JSON: the run's FMA peak, and each contender's seconds per
// call or its error. A contender that crashes takes the program with it, so the caller runs each one that it does not trust alone.
#include <HalideRuntime.h>
#include <halide_benchmark.h>
#include <CLI/CLI.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cmake/autotune/contender.h"
#include "runtime/operand.h"

namespace castnet::autotune {
namespace {

constexpr double sample_seconds = 400e-6;  // long enough for the clock, short enough to slip between interruptions

double peak_sample(Contender &peak) {
    float result = 0, width = 0, factor = 0.999F, addend = 0.001F;
    int steps = 20'000;
    const Operand result_operand(&result, {}), width_operand(&width, {});
    std::array<void *, 5> arguments{&steps, &factor, &addend, static_cast<halide_buffer_t *>(result_operand),
                                    static_cast<halide_buffer_t *>(width_operand)};
    const double seconds = Halide::Tools::benchmark(2, 2, [&] { peak.call(arguments.data()); });
    if (!peak.error().empty()) throw std::runtime_error("the pipeline fma_peak " + peak.error());
    return 2.0 * static_cast<double>(width) * steps / seconds;
}

nlohmann::json measure(const Contraction &contraction, const std::string &peak_file, const std::vector<std::string> &files, int images,
                       int rounds) {
    Contender fma_peak(peak_file);
    if (!fma_peak.error().empty()) throw std::runtime_error(peak_file + " " + fma_peak.error());
    std::vector<Contender> contenders;
    std::optional<Operands> operands;
    for (const std::string &file : files) {
        Contender &contender = contenders.emplace_back(file);
        contender.check(contraction, 3);
        if (!operands && contender.error().empty()) operands.emplace(contraction, *contender.metadata(), images);
    }
    std::vector<double> seconds(contenders.size(), std::numeric_limits<double>::infinity());
    std::vector<uint64_t> iterations(contenders.size(), 1);
    double peak = 0;
    for (int round = 0; round < rounds; round++) {
        peak = std::max(peak, peak_sample(fma_peak));
        for (size_t i = 0; i < contenders.size(); i++) {
            if (!contenders[i].error().empty()) continue;
            seconds[i] =
                std::min(seconds[i], Halide::Tools::benchmark(1, iterations[i], [&] { contenders[i].call(operands->arguments()); }));
            iterations[i] = std::max<uint64_t>(1, static_cast<uint64_t>(sample_seconds / seconds[i]));
        }
    }
    nlohmann::json results = nlohmann::json::array();
    for (size_t i = 0; i < contenders.size(); i++) {
        if (contenders[i].error().empty()) {
            results.push_back({{"seconds", seconds[i]}, {"allocates", contenders[i].allocates()}});
        } else {
            results.push_back({{"error", contenders[i].error()}});
        }
    }
    return {{"peak", peak}, {"flops", contraction.flops(images)}, {"bytes", contraction.bytes(images)}, {"contenders", results}};
}

}  // namespace
}  // namespace castnet::autotune

int main(int argc, char **argv) {
    CLI::App app("Checks and times compiled pipelines.");
    std::string generator, peak;
    std::vector<std::string> parameters, contenders;
    int images = 8, rounds = 20;
    app.add_option("generator", generator, "correlate, spread or kernel_gradient")->required();
    app.add_option("parameters", parameters, "name=value of the generator's geometry")->required();
    app.add_option("--peak", peak, "a shared library with the pipeline fma_peak")->required();
    app.add_option("--contender", contenders, "a shared library with a pipeline of that geometry")->required()->allow_extra_args(false);
    app.add_option("--images", images, "images of a call")->check(CLI::Range(1, 10'000));
    app.add_option("--rounds", rounds, "measurements of each; the best counts")->check(CLI::Range(1, 1'000'000));
    try {
        app.parse(argc, argv);
        std::cout << castnet::autotune::measure(castnet::autotune::Contraction(generator, parameters), peak, contenders, images, rounds)
                  << '\n';
        return EXIT_SUCCESS;
    } catch (const CLI::Success &success) {  // --help
        return app.exit(success);
    } catch (const std::bad_alloc &) {
        std::cerr << "error: the operands do not fit into memory; choose smaller ones, or fewer --images\n";
    } catch (const std::exception &error) {
        std::cerr << "error: " << error.what() << '\n';
    }
    return EXIT_FAILURE;
}

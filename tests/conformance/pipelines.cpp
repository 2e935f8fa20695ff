#include "tests/conformance/pipelines.h"

#include <random>

#include "generators/language/pipelines.h"
#include "generators/schedule.h"

namespace castnet::test {
namespace {

const Halide::GeneratorContext &context() {
    static const Halide::GeneratorContext context(Halide::get_jit_target_from_environment());
    return context;
}

/// Returns the autotuner's space for these shapes.
std::vector<Method> space_of(const std::string &generator, const std::map<std::string, std::string> &params) {
    const auto instance = Halide::Internal::GeneratorRegistry::create(generator, context());
    for (const auto &[name, value] : params) instance->set_generatorparam_value(name, value);
    instance->build_pipeline();
    return dynamic_cast<const Tunable &>(*instance).space();
}

/// Draws from the autotuner's space for these shapes.
std::map<std::string, std::string> random_schedule(const std::string &generator, const std::map<std::string, std::string> &params,
                                                   unsigned seed) {
    std::mt19937 random(seed);
    const auto any = [&](const auto &values) -> const auto & {
        return values[random() % values.size()];
    };
    const std::vector<Method> space = space_of(generator, params);
    const Method &method = any(space);
    std::map<std::string, std::string> chosen{{"method", method.name}};
    for (const Choice &choice : method.choices) chosen[choice.name] = any(choice.values);
    return chosen;
}

bool is_contraction(const std::string &generator) {
    return generator == "correlate" || generator == "spread" || generator == "kernel_gradient";
}

/// Rethrows Halide's errors, which are no std::exception. A generator's refusal is one of them (schedule.h).
template <typename Call>
auto translating_errors(const std::string &what, const Call &call) {
    try {
        return call();
    } catch (const Halide::Error &error) {
        const std::string message = what + ": " + error.what();
        if (message.find("castnet: ") != std::string::npos) throw Refused(message);
        throw std::runtime_error(message);
    }
}

/// Calls the pipeline. Its outputs are the last buffers.
template <typename... Arguments>
void run(const Halide::Callable &pipeline, Arguments &&...arguments) {
    const int status = translating_errors("running", [&] { return pipeline(arguments...); });
    if (status != 0) throw std::runtime_error("the pipeline returned " + std::to_string(status));
}

Guarded &&unharmed(Guarded &&output) {
    if (!output.guards_intact()) throw std::runtime_error("the pipeline wrote beside its output");
    return std::move(output);
}

}  // namespace

Pipelines::Parameters Pipelines::schedule(const std::string &generator, const Parameters &params) const {
    const std::string &schedule = problem_.schedule;
    if (schedule == "default" || !is_contraction(generator)) return {};
    if (schedule.starts_with("random:")) return random_schedule(generator, params, unsigned(std::stoul(schedule.substr(7))));
    Parameters given;
    for (const std::string &parameter : split(schedule, ',')) {
        const std::size_t equals = std::min(parameter.find('='), parameter.size() - 1);
        given[parameter.substr(0, equals)] = parameter.substr(equals + 1);
    }
    return given;
}

bool Pipelines::can_be_winograd(const Problem &problem) {
    const Geometry map = problem.layer.description().geometry();
    constexpr int least_channels = 4;  // of the narrowest vectors
    const int rows = (map.kernel_height - 1) / map.stride_y + 1, columns = (map.kernel_width - 1) / map.stride_x + 1;
    return rows == columns && (rows == 2 || rows == 3) && std::min(map.large.channels, map.small.channels) >= least_channels;
}

const Halide::Callable &Pipelines::pipeline(const std::string &generator, const Parameters &own) {
    std::string name = generator;
    for (const auto &[parameter, value] : own) name.append(" ").append(parameter).append("=").append(value);
    const auto [entry, is_new] = compiled_.try_emplace(name);
    if (is_new) {
        entry->second = translating_errors("compiling " + name, [&] {
            Parameters params = parameters_of(map());
            params.insert(own.begin(), own.end());
            params.merge(schedule(generator, params));
            if (can_be_winograd(problem_) && is_contraction(generator))
                by_winograd_ =
                    by_winograd_ || (params.contains("method") ? params["method"] : space_of(generator, params)[0].name) == "winograd";
            return create_callable_from_generator(context(), generator, params);
        });
    }
    return entry->second;
}

Guarded Pipelines::prepared(Guarded &kernel, bool spreads) {
    std::vector<int> extents = kernel_extents(map());
    Guarded stretched(extents);
    if (stretches()) {
        run(pipeline("stretch_kernel", {}), kernel.buffer(), stretched.buffer());
    } else {
        std::copy_n(kernel.data(), kernel.size(), stretched.data());
    }
    if (!spreads) return unharmed(std::move(stretched));
    std::swap(extents[0], extents[1]);
    Guarded transposed(extents);
    run(pipeline("transpose_kernel", {}), stretched.buffer(), transposed.buffer());
    return unharmed(std::move(transposed));
}

Guarded Pipelines::forward(Guarded &input, Guarded &kernel, Guarded &bias) {
    Guarded output(problem_.layer.output, problem_.images);
    Guarded read = prepared(kernel, makes_large());
    run(pipeline(makes_large() ? "spread" : "correlate", {{"activation", problem_.layer.statement.activation}}), input.buffer(),
        read.buffer(), bias.buffer(), output.buffer());
    return unharmed(std::move(output));
}

Guarded Pipelines::backward_data(Guarded &output_gradient, Guarded &kernel, Guarded &previous) {
    Guarded result(map().input(), problem_.images);
    Guarded read = prepared(kernel, !makes_large());
    run(pipeline(makes_large() ? "correlate" : "spread", {{"pass", "backward_data"}, {"activation", problem_.layer.statement.activation}}),
        output_gradient.buffer(), read.buffer(), previous.buffer(), result.buffer());
    return unharmed(std::move(result));
}

Gradients Pipelines::backward_weights(Guarded &input, Guarded &output_gradient, Guarded &kernel) {
    Guarded &large = makes_large() ? output_gradient : input;
    Guarded &small = makes_large() ? input : output_gradient;
    Guarded gradient(kernel_extents(map()), true);
    Guarded bias({problem_.layer.output.channels});
    const std::string decays = problem_.decays ? "true" : "false";
    const bool decays_here = problem_.decays && !stretches();
    const Halide::Callable &kernel_gradient =
        pipeline("kernel_gradient", {{"output_grid", makes_large() ? "large" : "small"}, {"decays", decays_here ? "true" : "false"}});
    if (decays_here) {
        run(kernel_gradient, large.buffer(), small.buffer(), kernel.buffer(), decay, gradient.buffer(), bias.buffer());
    } else {
        run(kernel_gradient, large.buffer(), small.buffer(), gradient.buffer(), bias.buffer());
    }
    if (!stretches()) return {unharmed(std::move(gradient)), unharmed(std::move(bias))};
    Guarded folded(kernel_extents(problem_.layer.description().own_geometry()));
    const Halide::Callable &fold_gradient = pipeline("fold_gradient", {{"decays", decays}});
    if (problem_.decays) {
        run(fold_gradient, gradient.buffer(), kernel.buffer(), decay, folded.buffer());
    } else {
        run(fold_gradient, gradient.buffer(), folded.buffer());
    }
    unharmed(std::move(gradient));
    return {unharmed(std::move(folded)), unharmed(std::move(bias))};
}

}  // namespace castnet::test

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

/// Draws from the autotuner's space for these shapes.
std::map<std::string, std::string> random_schedule(const std::string &generator, const std::map<std::string, std::string> &params,
                                                   unsigned seed) {
    std::mt19937 random(seed);
    const auto any = [&](const auto &values) -> const auto & {
        return values[random() % values.size()];
    };
    const auto instance = Halide::Internal::GeneratorRegistry::create(generator, context());
    for (const auto &[name, value] : params) instance->set_generatorparam_value(name, value);
    instance->build_pipeline();
    const std::vector<Method> space = dynamic_cast<const Tunable &>(*instance).space();
    const Method &method = any(space);
    std::map<std::string, std::string> chosen{{"method", method.name}};
    for (const Choice &choice : method.choices) chosen[choice.name] = any(choice.values);
    return chosen;
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
    if (schedule == "default" || generator == "transpose_kernel") return {};
    if (schedule.starts_with("random:")) return random_schedule(generator, params, unsigned(std::stoul(schedule.substr(7))));
    Parameters given;
    for (const std::string &parameter : split(schedule, ',')) {
        const std::size_t equals = std::min(parameter.find('='), parameter.size() - 1);
        given[parameter.substr(0, equals)] = parameter.substr(equals + 1);
    }
    return given;
}

const Halide::Callable &Pipelines::pipeline(const std::string &generator, const Parameters &own) {
    std::string name = generator;
    for (const auto &[parameter, value] : own) name.append(" ").append(parameter).append("=").append(value);
    const auto [entry, is_new] = compiled_.try_emplace(name);
    if (is_new) {
        entry->second = translating_errors("compiling " + name, [&] {
            Parameters params = geometry_of(problem_.layer.description());
            params.insert(own.begin(), own.end());
            params.merge(schedule(generator, params));
            return create_callable_from_generator(context(), generator, params);
        });
    }
    return entry->second;
}

Guarded Pipelines::transposed(Guarded &kernel) {
    std::vector<int> extents = kernel_extents(problem_.layer);
    std::swap(extents[0], extents[1]);
    Guarded result(extents);
    run(pipeline("transpose_kernel", {}), kernel.buffer(), result.buffer());
    return unharmed(std::move(result));
}

Guarded Pipelines::forward(Guarded &input, Guarded &kernel, Guarded &bias) {
    Guarded output(problem_.layer.output, problem_.images);
    const Parameters own{{"activation", problem_.layer.statement.activation}};
    if (is_transpose()) {
        Guarded transposed_kernel = transposed(kernel);
        run(pipeline("spread", own), input.buffer(), transposed_kernel.buffer(), bias.buffer(), output.buffer());
    } else {
        run(pipeline("correlate", own), input.buffer(), kernel.buffer(), bias.buffer(), output.buffer());
    }
    return unharmed(std::move(output));
}

Guarded Pipelines::backward_data(Guarded &output_gradient, Guarded &kernel, Guarded &previous) {
    Guarded result(problem_.layer.input, problem_.images);
    const Parameters own{{"pass", "backward_data"}, {"activation", problem_.layer.statement.activation}};
    if (is_transpose()) {
        run(pipeline("correlate", own), output_gradient.buffer(), kernel.buffer(), previous.buffer(), result.buffer());
    } else {
        Guarded transposed_kernel = transposed(kernel);
        run(pipeline("spread", own), output_gradient.buffer(), transposed_kernel.buffer(), previous.buffer(), result.buffer());
    }
    return unharmed(std::move(result));
}

Gradients Pipelines::backward_weights(Guarded &input, Guarded &output_gradient, Guarded &kernel) {
    Guarded &large = is_transpose() ? output_gradient : input;
    Guarded &small = is_transpose() ? input : output_gradient;
    Guarded gradient(kernel_extents(problem_.layer), true);
    Guarded bias({problem_.layer.output.channels});
    const Parameters own{{"output_grid", is_transpose() ? "large" : "small"}, {"decays", problem_.decays ? "true" : "false"}};
    const Halide::Callable &kernel_gradient = pipeline("kernel_gradient", own);
    if (problem_.decays) {
        run(kernel_gradient, large.buffer(), small.buffer(), kernel.buffer(), decay, gradient.buffer(), bias.buffer());
    } else {
        run(kernel_gradient, large.buffer(), small.buffer(), gradient.buffer(), bias.buffer());
    }
    return {unharmed(std::move(gradient)), unharmed(std::move(bias))};
}

}  // namespace castnet::test

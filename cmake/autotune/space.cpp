// castnet_space GENERATOR [target=TARGET] name=value… prints the schedules of a pipeline that are worth a trial, as JSON. Each choice is a
// GeneratorParam of the same name. The first method is the default, which follows from the shapes and the target, this machine's by
// default.
#include <Halide.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "cmake/autotune/parameters.h"
#include "generators/schedule.h"

namespace {

nlohmann::json space_of(const std::string &generator, std::span<const std::string> arguments) {
    const std::string prefix = "target=";
    const bool has_target = !arguments.empty() && arguments.front().starts_with(prefix);
    const Halide::Target target(has_target ? arguments.front().substr(prefix.size()) : "host");
    const auto parameters = castnet::autotune::parse_parameters(generator, arguments.subspan(has_target ? 1 : 0));
    const auto instance = Halide::Internal::GeneratorRegistry::create(generator, Halide::GeneratorContext(target));
    for (const auto &[name, value] : parameters) instance->set_generatorparam_value(name, value);
    instance->build_pipeline();
    const auto &tunable = dynamic_cast<const castnet::Tunable &>(*instance);
    nlohmann::json methods = nlohmann::json::array();
    for (const castnet::Method &method : tunable.space()) {
        nlohmann::json choices = nlohmann::json::object();
        for (const castnet::Choice &choice : method.choices) choices[choice.name] = choice.values;
        methods.push_back({{"method", method.name}, {"choices", choices}});
    }
    return methods;
}

int report(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    std::fprintf(stderr, "error: %s\n", text.c_str());
    return 1;
}

}  // namespace

int main(int argc, char **argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        if (arguments.empty()) throw std::invalid_argument("which generator? castnet_space GENERATOR name=value…");
        std::cout << space_of(arguments.front(), std::span(arguments).subspan(1)) << '\n';
        return 0;
    } catch (const std::exception &error) {
        return report(error.what());
    } catch (const Halide::Error &error) {  // not a std::exception
        return report(error.what());
    }
}

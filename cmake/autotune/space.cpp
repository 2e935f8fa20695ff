// castnet_space GENERATOR name=value…: the schedules of a pipeline that are worth a trial, as JSON. Each is a GeneratorParam of the same
// name; the first method is the one that the shapes choose by themselves.
#include <Halide.h>

#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <span>

#include "generators/schedule.h"

namespace {

nlohmann::json space_of(const std::string &generator, std::span<char *const> parameters) {
    const auto instance = Halide::Internal::GeneratorRegistry::create(generator, Halide::GeneratorContext(Halide::get_host_target()));
    if (instance == nullptr) throw std::invalid_argument("there is no generator " + generator);
    for (const std::string parameter : parameters) {
        const size_t equals = parameter.find('=');
        if (equals == std::string::npos) throw std::invalid_argument(parameter + " is not name=value");
        instance->set_generatorparam_value(parameter.substr(0, equals), parameter.substr(equals + 1));
    }
    instance->build_pipeline();
    const auto *tunable = dynamic_cast<const castnet::Tunable *>(instance.get());
    if (tunable == nullptr) throw std::invalid_argument(generator + " has no schedule to search");
    nlohmann::json methods = nlohmann::json::array();
    for (const castnet::Method &method : tunable->space()) {
        nlohmann::json choices = nlohmann::json::object();
        for (const castnet::Choice &choice : method.choices) choices[choice.name] = choice.values;
        methods.push_back({{"method", method.name}, {"choices", choices}});
    }
    return methods;
}

}  // namespace

int main(int argc, char **argv) {
    const std::span arguments(argv, static_cast<size_t>(argc));
    try {
        if (arguments.size() < 2) throw std::invalid_argument("usage: castnet_space GENERATOR name=value…");
        std::cout << space_of(arguments[1], arguments.subspan(2)) << '\n';
        return 0;
    } catch (const std::exception &error) {  // Halide's own errors too
        std::fprintf(stderr, "error: %s\n", error.what());
        return 1;
    }
}

#include "generators/compiler/arguments.h"

#include <Halide.h>
#include <fmt/format.h>

#include "train/files/error.h"

namespace castnet {
namespace {

using Info = Halide::Internal::AbstractGenerator::ArgInfo;

/// Appends the C arguments of one input or output: several if it is a tuple.
void append(std::vector<Argument> &arguments, const Info &info) {
    const bool is_scalar = info.kind == Halide::Internal::ArgInfoKind::Scalar, is_tuple = info.types.size() > 1;
    for (std::size_t i = 0; i < info.types.size(); i++)
        arguments.push_back({.type = is_scalar ? Halide::type_to_c_type(info.types[i], true) : "halide_buffer_t *",
                             .name = is_tuple ? fmt::format("{}_{}", info.name, i) : info.name});
}

}  // namespace

std::vector<Argument> arguments_of(const PipelineRecipe &pipeline) {
    // Any target will do: the GeneratorParams alone decide.
    const auto generator =
        Halide::Internal::GeneratorRegistry::create(pipeline.generator, Halide::GeneratorContext(Halide::get_host_target()));
    if (generator == nullptr) throw Error(fmt::format("{}: there is no generator {}", pipeline.function, pipeline.generator));
    generator->set_generatorparam_values(pipeline.parameters);
    std::vector<Argument> arguments;
    for (const auto direction : {Halide::Internal::ArgInfoDirection::Input, Halide::Internal::ArgInfoDirection::Output}) {
        for (const Info &info : generator->arginfos()) {
            if (info.dir == direction) append(arguments, info);
        }
    }
    return arguments;
}

}  // namespace castnet

// The arguments of a compiled pipeline.
#pragma once

#include <string>
#include <vector>

#include "generators/language/pipelines.h"

namespace castnet {

/// One argument of the C function that a pipeline becomes.
struct Argument {
    std::string type;  ///< as C++ writes it before the name
    std::string name;
};

/// Returns the arguments after the user context, in the generator's order. Throws Error if there is no such generator.
std::vector<Argument> arguments_of(const PipelineRecipe &pipeline);

}  // namespace castnet

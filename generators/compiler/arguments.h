// What a compiled pipeline is called with.
#pragma once

#include <string>
#include <vector>

#include "generators/language/pipelines.h"

namespace castnet {

/// One argument of the C function that a pipeline becomes.
struct Argument {
    std::string type;  ///< as C++ writes it in front of the name
    std::string name;
};

/// Returns the arguments behind the user's context, in the order that the pipeline's generator gives them. Throws Error where there is no
/// such generator.
std::vector<Argument> arguments_of(const PipelineRecipe &pipeline);

}  // namespace castnet

// The pipelines that a network is compiled to.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "generators/language/architecture.h"

namespace castnet {

/// A pipeline: a generator and the values of its GeneratorParams.
struct PipelineRecipe {
    std::string function;  ///< NETWORK_LAYER_PASS, or NETWORK_PASS for the network's own
    std::string layer;     ///< empty for the network's own
    std::string pass;
    std::string generator;
    std::map<std::string, std::string> parameters;
    std::string key;  ///< in tables of schedules; empty if there is nothing to choose
};

/// Returns the GeneratorParams of a bilinear map (generators/contraction.h).
std::map<std::string, std::string> parameters_of(const Geometry &map);

/// Returns the pipelines of every layer, then the network's own.
std::vector<PipelineRecipe> pipelines_of(const Architecture &architecture);

}  // namespace castnet

// NAME.h: the network as constexpr data.
#pragma once

#include <string>
#include <vector>

#include "generators/compiler/compile.h"
#include "generators/language/architecture.h"

namespace castnet {

/// Returns the header's text: in namespace NAME the network's description (runtime/description.h), its shapes and sizes, and its
/// Autoencoder; in NAME::pipelines a struct for each target with a function per pipeline, which passes it its operands by name, in the
/// generator's order.
std::string header_of(const Architecture &architecture, const std::vector<CompileOptions::Target> &targets);

}  // namespace castnet

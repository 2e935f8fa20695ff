// What would make a decoder end in the input's shape.
#pragma once

#include <string>

#include "generators/language/architecture.h"

namespace castnet {

/// Returns a change of the decoder after which it ends in the input's shape, as an advice to the writer: of its last layer if that is
/// enough, else of the sizes that its layers make, in the encoder's order backwards. Empty where neither helps.
std::string mending(const Architecture &architecture);

}  // namespace castnet

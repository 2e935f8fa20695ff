// Suggests how a decoder can end in the input's shape.
#pragma once

#include <string>

#include "generators/language/architecture.h"

namespace castnet {

/// Returns advice that makes the decoder end in the input's shape: a change of its last layer if that is enough, otherwise output sizes
/// that mirror the encoder. Empty if neither helps.
std::string mending(const Architecture &architecture);

}  // namespace castnet

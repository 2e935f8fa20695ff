// Suggests how a decoder can end in the shape that it should.
#pragma once

#include <string>

#include "generators/language/architecture.h"

namespace castnet {

/// Returns advice that makes the decoder, which ends in `end`, end in the network's output: a change of its last layer if that is enough,
/// otherwise output sizes that mirror the encoder. Empty if neither helps.
std::string mending(const Architecture &architecture, const Shape &end);

}  // namespace castnet

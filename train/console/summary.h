// A network in words: its layers as Keras prints them, and the memory it needs.
#pragma once

#include <string>

#include "runtime/description.h"

namespace castnet {

/// Returns "28x28x1": rows, columns, channels.
std::string describe(const Shape &shape);

/// Summarizes the network in lines of at most `width` characters, as far as names allow. Wider tables become lists.
std::string summary(const NetworkDescription &description, std::size_t width);

}  // namespace castnet

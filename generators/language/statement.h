// The words of one statement.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "generators/language/layer.h"

namespace castnet {

/// The kinds of layers, by name.
std::span<const std::string_view> layer_kinds();

/// Reads `HxWxC`. Throws Error, without the place, where the word is none.
Shape parse_shape(std::string_view word);

/// Reads `KIND key=value …`, KIND one of layer_kinds(). Throws Error, without the place.
LayerStatement parse_layer(std::span<const std::string_view> words);

/// Throws Error, without the place, unless `name` may go into names of files and of functions. `what` begins the message.
void check_name(std::string_view name, const std::string &what);

}  // namespace castnet

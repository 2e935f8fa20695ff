// Parses the words of one statement.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "generators/language/layer.h"

namespace castnet {

/// Returns the names of the kinds of layers.
std::span<const std::string_view> layer_kinds();

/// Parses `HxWxC`. Throws Error, without file and line, for any other word.
Shape parse_shape(std::string_view word);

/// Parses `KIND key=value …`, KIND one of layer_kinds(). Throws Error, without file and line.
LayerStatement parse_layer(std::span<const std::string_view> words);

/// Throws Error, without file and line, unless `name` may be part of file and function names. `what` begins the message.
void check_name(std::string_view name, const std::string &what);

}  // namespace castnet

// Parses the words of one statement.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "generators/language/function.h"
#include "generators/language/layer.h"

namespace castnet {

/// Returns the names of the kinds of layers.
std::span<const std::string_view> layer_kinds();

/// Parses `HxWxC`. Throws Error, without file and line, for any other word.
Shape parse_shape(std::string_view word);

/// Parses the name of a function, with its parameter if that is not the default, and returns it in one form. `what` is activation or
/// loss, `before` what stands before the name. Throws Error, without file and line.
std::string read_function(std::string_view what, std::string_view before, std::string_view value, std::span<const Function> known);

/// Parses `KIND key=value …`, KIND one of layer_kinds(). Throws Error, without file and line.
LayerStatement parse_layer(std::span<const std::string_view> words);

/// Throws Error, without file and line, unless `name` may be part of file and function names. `what` begins the message.
void check_name(std::string_view name, const std::string &what);

}  // namespace castnet

// The terminal's width, and text that fits it.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace castnet {

inline constexpr std::size_t unlimited_width = std::numeric_limits<std::size_t>::max();

/// Returns the columns of the terminal on standard output, else $COLUMNS. Returns nothing if neither is set: lines may then be of any
/// length.
std::optional<std::size_t> terminal_width();

/// Joins ASCII pieces by the separator, in lines of at most `width` characters as far as the pieces allow. Indents all lines but the first.
std::string wrapped(const std::vector<std::string> &pieces, const std::string &separator, std::size_t width);

}  // namespace castnet

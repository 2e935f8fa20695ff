// How wide the terminal is, and text that fits it.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace castnet {

inline constexpr std::size_t unlimited_width = std::numeric_limits<std::size_t>::max();

/// The columns of the terminal on standard output, else $COLUMNS; nothing where neither says, and lines may be of any length.
std::optional<std::size_t> terminal_width();

/// The pieces, which are ASCII, with the separator between them, in lines of at most `width` characters as far as the pieces allow; lines
/// after the first are indented.
std::string wrapped(const std::vector<std::string> &pieces, const std::string &separator, std::size_t width);

}  // namespace castnet

// Suggests what an unknown word may have meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace castnet {

/// Returns the least number of letters to insert, delete or replace that turns `a` into `b` (Levenshtein 1966).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Returns "did you mean WORD?" for the nearest allowed word within two edits, otherwise "WHAT are A, B and C".
std::string suggestion(std::string_view word, std::string_view what, std::span<const std::string_view> allowed);

}  // namespace castnet

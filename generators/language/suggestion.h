// What somebody may have meant by a word that is none.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace castnet {

/// The edits, each of a letter inserted, left out or exchanged, that make `b` of `a` (Levenshtein 1966).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Returns "did you mean WORD?" of the allowed word that is at most two edits away, else "WHAT are A, B and C".
std::string suggestion(std::string_view word, std::string_view what, std::span<const std::string_view> allowed);

}  // namespace castnet

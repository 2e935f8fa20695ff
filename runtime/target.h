// The targets that a network was compiled for, and this CPU.
#pragma once

#include <span>
#include <string_view>

#include "runtime/description.h"

namespace castnet {

/// Writes the features that the Halide target requires and this CPU lacks, as "avx2, fma"; an empty text if none. Knows only x86, whose
/// programs meet lesser CPUs than they were built on; elsewhere it finds none lacking. Calls nothing in Halide's runtime.
void write_lacking_features(std::string_view target, std::span<char> text) noexcept;

/// Returns the first of a network's levels that this CPU has; the last if it has none. Levels are ordered, the greatest first.
const NetworkDescription &choose_level(std::span<const NetworkDescription> levels) noexcept;

/// Returns the level of that name; null if there is none.
const NetworkDescription *find_level(std::span<const NetworkDescription> levels, std::string_view name) noexcept;

}  // namespace castnet

// Checks that the pipelines were compiled for this CPU.
#pragma once

#include <span>

namespace castnet {

/// Writes the features that the Halide target requires and this CPU lacks, as "avx2, fma"; an empty text if none. Knows only x86, whose
/// programs meet lesser CPUs than they were built on; elsewhere it finds none lacking. Calls nothing in Halide's runtime, which is compiled
/// for the target too.
void write_lacking_features(const char *target, std::span<char> text) noexcept;

}  // namespace castnet

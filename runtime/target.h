// Whether this CPU is one that the pipelines were compiled for.
#pragma once

#include <span>

namespace castnet {

/// Writes the names of the features that the Halide target asks for and this CPU lacks, as "avx2, fma"; an empty text where it lacks none.
/// It knows the features of x86, whose programs meet lesser CPUs than they were built on; elsewhere it finds none lacking. Calls nothing of
/// Halide's runtime, which is compiled for the target too.
void write_lacking_features(const char *target, std::span<char> text) noexcept;

}  // namespace castnet

// What code is made for, by the names that tables of schedules have: the level of a target, and the kind of CPU at hand.
#pragma once

#include <Halide.h>

#include <string>

namespace castnet {

/// The target's level: its architecture and the widest vectors that it names, as in x86-64-avx512, arm-64-neon, wasm-32-simd128. Other
/// features do not matter. Empty where the level has no name.
std::string level_of(const Halide::Target &target);

/// The name of the kind of CPU at hand: vendor, family and model, and its vectors, which a hypervisor may hide, as in amd-23-1-avx2; empty
/// where it is not known.
std::string cpu_kind();

}  // namespace castnet

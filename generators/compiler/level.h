// The names of tables of schedules: a target's level, and the kind of this CPU.
#pragma once

#include <Halide.h>

#include <string>

namespace castnet {

/// Returns the target's level: its architecture and its widest vectors, as in x86-64-avx512, arm-64-neon, wasm-32-simd128. Other features
/// do not matter. Empty if the level has no name.
std::string level_of(const Halide::Target &target);

/// Returns the kind of this CPU: vendor, family, model, and vectors, which a hypervisor may hide, as in amd-23-1-avx2. Empty if unknown.
std::string cpu_kind();

}  // namespace castnet

// The levels of x86-64, and the names of tables of schedules: a target's level, and the kind of this CPU.
#pragma once

#include <Halide.h>

#include <string>
#include <vector>

namespace castnet {

/// Returns the target's level: its architecture and its widest vectors, as in x86-64-avx512, arm-64-neon, wasm-32-simd128. Other features
/// do not matter. Empty if the level has no name.
std::string level_of(const Halide::Target &target);

/// A target that a network is compiled for, one of several perhaps.
struct Level {
    Halide::Target target;
    std::string name;    ///< level_of(), or the whole target if that has no name
    std::string suffix;  ///< of the functions: its vectors, as _avx2; empty if there is one target only
};

/// Returns the levels of a list of Halide's targets, which commas separate, the greatest first; an empty list is this machine. x86-64
/// stands for three: AVX-512, AVX2 with FMA, and SSE4.1. Throws Error, also for several targets whose programs a CPU could not choose from.
std::vector<Level> parse_levels(const std::string &targets);

/// Returns the level of C++ that any compiler for 32 bits or more makes something of: without vectors.
Level scalar_level();

/// Returns the first level that this machine can run; the first one if it can run none.
const Level &level_here(const std::vector<Level> &levels);

/// Returns the kind of this CPU: vendor, family, model, and vectors, which a hypervisor may hide, as in amd-23-1-avx2. Empty if unknown.
std::string cpu_kind();

}  // namespace castnet

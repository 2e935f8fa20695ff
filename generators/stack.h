// Intermediate buffers on the stack, so that a step allocates nothing.
#pragma once

#include "Halide.h"
#include "element.h"

namespace castnet {

/// Keeps a buffer of `elements` numbers on the stack. Halide's MemoryType::Stack goes to the heap above 16 KiB, which a step must not do,
/// and its MemoryType::Register does not; beyond a megabyte the stack of a thread could overflow.
inline void keep_on_stack(Halide::Func &buffer, int64_t elements) {
    const int64_t most = (1 << 20) / sizeof(Element);
    buffer.store_in(elements <= most ? Halide::MemoryType::Register : Halide::MemoryType::Stack);
}

}  // namespace castnet

// Intermediate buffers on the stack, so that a step allocates nothing.
#pragma once

#include "Halide.h"
#include "element.h"

namespace castnet {

/// Keeps a buffer of `elements` numbers on the stack, which Halide's MemoryType::Stack does up to 16 KiB alone, and its
/// MemoryType::Register at any size. Beyond a megabyte the stack of a thread could overflow: such a buffer comes from halide_malloc, by
/// MemoryType::Heap, as MemoryType::Stack would not look whether there is memory.
inline void keep_on_stack(Halide::Func &buffer, int64_t elements) {
    const int64_t most = (1 << 20) / sizeof(Element);
    buffer.store_in(elements <= most ? Halide::MemoryType::Register : Halide::MemoryType::Heap);
}

}  // namespace castnet

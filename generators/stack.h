// Intermediate buffers on the stack, so that a step allocates nothing.
#pragma once

#include "Halide.h"
#include "element.h"

namespace castnet {

/// The most numbers of a buffer on the stack: beyond a megabyte the stack of a thread could overflow.
constexpr int64_t most_on_stack = (1 << 20) / sizeof(Element);

/// Keeps a buffer of `elements` numbers on the stack, which Halide's MemoryType::Stack does up to 16 KiB alone, and its
/// MemoryType::Register at any size. A larger one than the stack may hold comes from halide_malloc, by MemoryType::Heap, as
/// MemoryType::Stack would not look whether there is memory.
inline void keep_on_stack(Halide::Func &buffer, int64_t elements) {
    buffer.store_in(elements <= most_on_stack ? Halide::MemoryType::Register : Halide::MemoryType::Heap);
}

}  // namespace castnet

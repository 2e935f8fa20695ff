// Defines what pipelines compiled for ThreadSanitizer (Halide's target feature tsan) call: LLVM's names, which GCC's library does not have.
// They call the library's own functions, which see every access.
#include <cstring>

// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): LLVM chose them
extern "C" {
void *__tsan_memcpy(void *to, const void *from, std::size_t size) {
    return std::memcpy(to, from, size);
}
void *__tsan_memmove(void *to, const void *from, std::size_t size) {
    return std::memmove(to, from, size);
}
void *__tsan_memset(void *to, int value, std::size_t size) {
    return std::memset(to, value, size);
}
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

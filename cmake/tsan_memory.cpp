// What pipelines that Halide compiled for ThreadSanitizer (target feature tsan) call: LLVM's names, which GCC's library does not have. The
// functions behind them are the library's, which sees every access.
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

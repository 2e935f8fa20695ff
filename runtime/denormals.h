// Denormal floats slow processors up to a hundredfold. They arise where an activation saturates and where Adam's moments fade, and mean
// nothing there.
#pragma once

#include <cstdint>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace castnet {

/// Treats denormal operands and results as zero in its thread, during its lifetime. Does nothing on processors that cannot. Names
/// processors, as C++ and Halide have no word for it.
class FlushDenormals {
public:
    FlushDenormals() noexcept : saved_(read()) { write(saved_ | mask); }
    FlushDenormals(const FlushDenormals &) = delete;
    FlushDenormals &operator=(const FlushDenormals &) = delete;
    ~FlushDenormals() { write(saved_); }

#if defined(__SSE__)
    static constexpr std::uint64_t mask = 0x8040;  // MXCSR: flush to zero, denormals are zero

private:
    static std::uint64_t read() noexcept {
        return _mm_getcsr();
    }
    static void write(std::uint64_t control) noexcept {
        _mm_setcsr(static_cast<unsigned>(control));
    }
#elif defined(__aarch64__)
    static constexpr std::uint64_t mask = std::uint64_t{1} << 24U;  // FPCR: FZ

private:
    static std::uint64_t read() noexcept {
        std::uint64_t control = 0;
        asm volatile("mrs %0, fpcr" : "=r"(control));  // GCC's builtin is not clang's
        return control;
    }
    static void write(std::uint64_t control) noexcept {
        asm volatile("msr fpcr, %0" : : "r"(control));
    }
#else
    static constexpr std::uint64_t mask = 0;

private:
    static std::uint64_t read() noexcept {
        return 0;
    }
    static void write(std::uint64_t) noexcept {}
#endif

    std::uint64_t saved_;
};

}  // namespace castnet

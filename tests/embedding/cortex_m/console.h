// Prints numbers without printf, which would be half of the program: over semihosting on the board, to standard output on the host.
#pragma once

#include <array>
#include <cstdint>

#ifndef __arm__
#include <cstdio>
#endif

namespace console {

inline void write(const char *text) {
#ifdef __arm__
    register int operation asm("r0") = 4;  // SYS_WRITE0
    register const char *argument asm("r1") = text;
    asm volatile("bkpt 0xab" : "+r"(operation) : "r"(argument) : "memory");
#else
    std::fputs(text, stdout);
#endif
}

/// Prints a line: the name, and a number from 0 to 4000 with nine digits behind the point.
inline void print(const char *name, float number) {
    std::array<char, 24> text{};
    std::size_t place = text.size() - 1;
    text[--place] = '\n';
    auto billionths = static_cast<std::uint64_t>(static_cast<double>(number) * 1e9 + 0.5);
    for (int digit = 0; digit < 10 || billionths > 0; digit++) {
        if (digit == 9) text[--place] = '.';
        text[--place] = static_cast<char>('0' + billionths % 10);
        billionths /= 10;
    }
    write(name);
    write(&text[place]);
}

inline int fail(const char *reason) {
    write("error: ");
    write(reason);
    write("\n");
    return 1;
}

}  // namespace console

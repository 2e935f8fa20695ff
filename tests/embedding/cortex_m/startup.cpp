// The least that a Cortex-M needs before main(): its vectors, the floating point unit, and memory as C++ expects it.
#include <cstdint>

extern "C" {

extern std::uint32_t stack_top[], data_begin[], data_end[], data_image[], bss_begin[], bss_end[];  // of the linker script
void *__dso_handle = nullptr;  // of destructors at exit, which there are none of
int main();
void __libc_init_array();
void _init() {}

/// Ends the program in a debugger or an emulator.
[[noreturn]] void stop(bool is_well) {
    register int operation asm("r0") = 0x18;                   // SYS_EXIT
    const std::uint32_t reason = is_well ? 0x20026 : 0x20023;  // ADP_Stopped_ApplicationExit, …RunTimeErrorUnknown
    register std::uint32_t argument asm("r1") = reason;
    asm volatile("bkpt 0xab" : "+r"(operation) : "r"(argument) : "memory");
    for (;;) {
    }
}

[[noreturn]] void reset() {
    *reinterpret_cast<volatile std::uint32_t *>(0xE000ED88) |= 0xFU << 20U;  // CPACR: the floating point unit is on
    asm volatile("dsb\n isb");
    const std::uint32_t *from = data_image;
    for (std::uint32_t *to = data_begin; to != data_end; to++) *to = *from++;
    for (std::uint32_t *to = bss_begin; to != bss_end; to++) *to = 0;
    __libc_init_array();
    stop(main() == 0);
}

[[noreturn]] void fault() {
    stop(false);
}
}

[[gnu::section(".vectors"), gnu::used]] const void *const vectors[] = {
    stack_top, reinterpret_cast<const void *>(reset), reinterpret_cast<const void *>(fault), reinterpret_cast<const void *>(fault)};

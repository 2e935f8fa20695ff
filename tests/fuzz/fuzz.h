// Shared by the fuzzers: reads an input as a file, within limits.
#pragma once

#include <sanitizer/allocator_interface.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <span>

#include "tests/temporary.h"
#include "train/files/error.h"

namespace castnet::fuzz {

using Bytes = std::span<const std::uint8_t>;
using Path = std::filesystem::path;

/// Aborts the fuzzer unless `holds`. It then keeps the input.
inline void require(bool holds, const char *what) {
    if (holds) return;
    std::fprintf(stderr, "finding: %s\n", what);
    std::abort();
}

/// Compares the values' bits, including NaN and zeros.
inline bool has_same_bits(std::span<const float> a, std::span<const float> b) {
    return std::ranges::equal(std::as_bytes(a), std::as_bytes(b));
}

/// Returns the files' folder. fuzz.py puts it in memory.
inline const Path &folder() {
    static const test::TemporaryFolder folder;
    return folder.path();
}

inline Path input_file(Bytes bytes, const std::string &name = "input") {
    test::write_plain(folder() / name, {reinterpret_cast<const char *>(bytes.data()), bytes.size()});
    return folder() / name;
}

/// Measures the memory that is allocated, also by libraries, during its lifetime. Only one may exist.
class Meter {
public:
    Meter() {
        static const bool is_counting =
            __sanitizer_install_malloc_and_free_hooks(
                [](const volatile void *, std::size_t size) { add(static_cast<std::ptrdiff_t>(size)); },
                [](const volatile void *memory) { add(-static_cast<std::ptrdiff_t>(__sanitizer_get_allocated_size(memory))); }) > 0;
        require(is_counting, "memory cannot be counted");
        live_ = most_ = 0;
    }
    [[nodiscard]] std::size_t most_bytes() const { return static_cast<std::size_t>(most_); }

private:
    static void add(std::ptrdiff_t bytes) {
        live_ += bytes;
        most_ = std::max(most_, live_);
    }
    static inline std::ptrdiff_t live_ = 0, most_ = 0;
};

/// Returns whether read() succeeds. Otherwise it must throw a one-line Error. It may take ten seconds of CPU time, and twice the file plus
/// 16 MB.
template <typename Read>
bool reads(std::size_t file_size, const Read &read) {
    const Meter meter;
    const std::clock_t begin = std::clock();
    bool is_read = true;
    try {
        read();
    } catch (const Error &error) {
        is_read = false;
        const std::string what = error.what();
        require(what.find('\n') == std::string::npos && what.size() < 1100, "the error is not one line");
    }
    require(std::clock() - begin <= 10 * CLOCKS_PER_SEC, "it takes more than ten seconds");
    require(meter.most_bytes() <= 2 * file_size + (16U << 20U), "it takes more than twice the file and 16 MB");
    return is_read;
}

}  // namespace castnet::fuzz

// libFuzzer's interface.
extern "C" {
int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
std::size_t LLVMFuzzerMutate(std::uint8_t *data, std::size_t size, std::size_t most);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t most, unsigned seed);
}

// Mutates safetensors files and corrects their checksum, so that more than the checksum is tested.
#pragma once

#include <array>
#include <cstring>
#include <string_view>

#include "tests/fuzz/fuzz.h"

namespace castnet::fuzz {

/// Corrects the checksum of a file that begins with one.
inline void correct_checksum(std::span<std::uint8_t> file) {
    constexpr std::string_view before = R"({"__metadata__":{"crc32":")";
    constexpr std::size_t begin = 8 + before.size(), end = begin + 8;
    if (file.size() < end || std::memcmp(file.data() + 8, before.data(), before.size()) != 0) return;
    const uLong sum = crc32(crc32(0, file.data(), begin), file.data() + end, static_cast<uInt>(file.size() - end));
    std::array<char, 9> digits{};
    std::snprintf(digits.data(), digits.size(), "%08lx", sum);
    std::memcpy(file.data() + begin, digits.data(), 8);
}

/// Corrects the header's length in half of the files. The header ends at the last brace.
inline void correct_length(std::span<std::uint8_t> file, unsigned seed) {
    const auto last = std::find(file.rbegin(), file.rend(), std::uint8_t{'}'});
    const auto end = static_cast<std::size_t>(file.rend() - last);
    if (seed % 2 == 0 || end <= 8) return;
    for (std::size_t i = 0; i < 8; i++) file[i] = static_cast<std::uint8_t>((end - 8) >> (8 * i));
}

}  // namespace castnet::fuzz

inline std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t most, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, most);
    castnet::fuzz::correct_length({data, size}, seed);
    castnet::fuzz::correct_checksum({data, size});
    return size;
}

// Fuzzes PNG images with correct checksums, so that more than the checksums is tested.
#include "train/data/png.h"

#include <bit>
#include <cstring>

#include "tests/fuzz/fuzz.h"

namespace castnet::fuzz {
namespace {

std::uint32_t big_endian(const std::uint8_t *bytes) {
    return std::uint32_t{bytes[0]} << 24U | std::uint32_t{bytes[1]} << 16U | std::uint32_t{bytes[2]} << 8U | std::uint32_t{bytes[3]};
}

void correct_checksums(std::span<std::uint8_t> file) {
    constexpr std::size_t signature = 8, around_data = 12;  // a chunk: length, type, data, checksum
    for (std::size_t at = signature; at + around_data <= file.size();) {
        const std::size_t length = big_endian(file.data() + at);
        if (length > file.size() - at - around_data) return;
        const auto sum = static_cast<std::uint32_t>(crc32(0, file.data() + at + 4, static_cast<uInt>(4 + length)));
        const std::string bytes = test::big_endian(sum);
        std::memcpy(file.data() + at + 8 + length, bytes.data(), 4);
        at += around_data + length;
    }
}

}  // namespace
}  // namespace castnet::fuzz

std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t most, unsigned seed) {
    size = LLVMFuzzerMutate(data, size, most);
    if (seed % 8 != 0) castnet::fuzz::correct_checksums({data, size});
    return size;
}

int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace castnet;
    const fuzz::Path path = fuzz::input_file({data, size});
    for (const int channels : {1, 3, 4}) {
        const Shape shape{.height = 2, .width = 3, .channels = channels};
        std::vector<std::uint8_t> pixels(shape.size(), 0x55), again(shape.size(), 0xaa);
        if (!fuzz::reads(size, [&] { read_png(path, shape, pixels); })) continue;
        read_png(path, shape, again);
        fuzz::require(pixels == again, "a pixel was not written");
    }
    return 0;
}

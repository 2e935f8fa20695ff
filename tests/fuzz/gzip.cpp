// Fuzzes IDX files in gzip. Mostly mutates the contents: the checksum hides nearly every change of the compressed bytes.
#include "tests/fuzz/read_idx.h"

namespace castnet::fuzz {
namespace {

constexpr int gzip_window = 15 + 16;  // asks zlib for gzip

/// Runs zlib over the whole input, until the output is full. Returns the output's size.
template <typename Step>
std::size_t run(z_stream &stream, const Step &step, Bytes input, std::span<std::uint8_t> output) {
    stream.next_in = const_cast<Bytef *>(input.data());  // zlib only reads it
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = output.data();
    stream.avail_out = static_cast<uInt>(output.size());
    step(&stream, Z_FINISH);
    return output.size() - stream.avail_out;
}

std::size_t inflated(Bytes input, std::span<std::uint8_t> output) {
    z_stream stream{};
    if (inflateInit2(&stream, gzip_window) != Z_OK) return 0;
    const std::size_t size = run(stream, inflate, input, output);
    inflateEnd(&stream);
    return size;
}

std::size_t deflated(Bytes input, std::span<std::uint8_t> output) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK) return 0;
    const std::size_t size = run(stream, deflate, input, output);
    deflateEnd(&stream);
    return size;
}

}  // namespace
}  // namespace castnet::fuzz

std::size_t LLVMFuzzerCustomMutator(std::uint8_t *data, std::size_t size, std::size_t most, unsigned seed) {
    using namespace castnet::fuzz;
    if (seed % 4 == 0) return LLVMFuzzerMutate(data, size, most);
    std::vector<std::uint8_t> inside(4096);
    std::size_t inside_size = inflated({data, size}, inside);
    inside_size = LLVMFuzzerMutate(inside.data(), inside_size, inside.size());
    return deflated(std::span(inside).first(inside_size), {data, most});
}

int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    castnet::fuzz::check_idx({data, size});
    return 0;
}

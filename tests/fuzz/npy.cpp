// Fuzzes numpy's array files.
#include "train/data/npy.h"

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace castnet;
    const fuzz::Path path = fuzz::input_file({data, size});
    NpyArray array;
    if (!fuzz::reads(size, [&] { array = read_npy(path); })) return 0;
    std::size_t elements = 1;
    for (const std::size_t extent : array.shape) elements *= extent;
    fuzz::require(elements == array.bytes.size() + array.values.size(), "the shape is not the data's");
    if (array.kind == NpyKind::bytes) return 0;
    write_npy(path, array.shape, array.values);
    const NpyArray again = read_npy(path);
    fuzz::require(again.shape == array.shape && fuzz::has_same_bits(again.values, array.values), "what was written is not what is read");
    return 0;
}

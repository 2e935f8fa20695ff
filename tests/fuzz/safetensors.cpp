// Fuzzes files of tensors.
#include "train/files/safetensors.h"

#include "tests/fuzz/checksum.h"

int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace castnet;
    const fuzz::Path path = fuzz::input_file({data, size});
    TensorFile file;
    if (!fuzz::reads(size, [&] { file = read_safetensors(path); })) return 0;
    write_safetensors(path, file);
    const TensorFile again = read_safetensors(path);
    const auto is_same = [](const Tensor &a, const Tensor &b) {
        return a.name == b.name && a.shape == b.shape && fuzz::has_same_bits(a.values, b.values);
    };
    fuzz::require(again.metadata == file.metadata && std::ranges::equal(again.tensors, file.tensors, is_same),
                  "what was written is not what is read");
    return 0;
}

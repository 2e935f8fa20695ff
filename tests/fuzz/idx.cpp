// Fuzzes plain IDX files.
#include "tests/fuzz/read_idx.h"

int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    castnet::fuzz::check_idx({data, size});
    return 0;
}

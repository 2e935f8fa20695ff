// What a network that was compiled to C++ needs of Halide's runtime: loops on the calling thread alone, and who hears of errors.
// `castnet compile --emit source` copies this file.
#include <HalideRuntime.h>

#include <cstdint>
#include <utility>

namespace {

halide_error_handler_t current = nullptr;

}  // namespace

extern "C" {

halide_error_handler_t halide_set_error_handler(halide_error_handler_t handler) {
    return std::exchange(current, handler);
}

int halide_set_num_threads(int) {
    return 1;
}

int halide_do_par_for(void *context, halide_task_t task, int min, int size, std::uint8_t *closure) {
    int error = 0;
    for (int i = min; i < min + size && error == 0; i++) error = task(context, i, closure);
    return error;
}
}

#include "runtime/failure.h"

#include <HalideRuntime.h>

#include <cstdio>
#include <cstring>
#include <utility>

namespace castnet {
namespace {

thread_local Failure *current = nullptr;
std::atomic<halide_error_handler_t> program_handler{nullptr};

void keep_or_pass_on(void *context, const char *message) {
    if (current != nullptr) {
        current->keep(message);
    } else if (const halide_error_handler_t handler = program_handler; handler != nullptr) {
        handler(context, message);
    }
}

}  // namespace

int Failure::keep(const char *message) noexcept {
    if (!is_kept_.exchange(true)) {
        std::snprintf(message_.data(), message_.size(), "%s", message);
        message_[std::strcspn(message_.data(), "\n")] = '\0';
    }
    return -1;
}

HalideErrors::HalideErrors(Failure &failure) noexcept : outer_(std::exchange(current, &failure)) {
    // Once a process, so that a handler which the program sets later is not replaced.
    [[maybe_unused]] static const bool is_set = [] {
        program_handler = halide_set_error_handler(keep_or_pass_on);
        return true;
    }();
}

HalideErrors::~HalideErrors() {
    current = outer_;
}

}  // namespace castnet

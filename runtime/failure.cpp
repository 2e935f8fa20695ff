#include "runtime/failure.h"

#include <HalideRuntime.h>

#include <cstdio>
#include <cstring>
#include <utility>
#ifdef __STDCPP_THREADS__
#include <mutex>
#endif

namespace castnet {
namespace {

#ifdef __STDCPP_THREADS__
using Mutex = std::mutex;
using Lock = std::unique_lock<Mutex>;
#else
struct Mutex {};
struct Lock {
    explicit Lock(Mutex & /*mutex*/) {}
    void unlock() {}
};
#endif

constinit Mutex mutex;  // guards all below
constinit Failure *first = nullptr;
constinit bool is_handler_set = false;
constinit halide_error_handler_t program_handler = nullptr;

}  // namespace

Failure::Failure() noexcept {
    const Lock lock(mutex);
    next_ = std::exchange(first, this);
    if (!std::exchange(is_handler_set, true)) program_handler = halide_set_error_handler(keep_or_pass_on);
}

Failure::~Failure() {
    const Lock lock(mutex);
    Failure **place = &first;
    while (*place != this) place = &(*place)->next_;
    *place = next_;
}

int Failure::keep(const char *message) noexcept {
    if (!is_kept_.exchange(true)) {
        std::snprintf(message_.data(), message_.size(), "%s", message);
        message_[std::strcspn(message_.data(), "\n")] = '\0';
    }
    return -1;
}

/// Keeps the message or passes it on. The context may be anybody's, so it is compared with the failures, never dereferenced.
void Failure::keep_or_pass_on(void *context, const char *message) {
    Lock lock(mutex);
    Failure *failure = first;
    while (failure != nullptr && failure != context) failure = failure->next_;
    const halide_error_handler_t handler = program_handler;
    lock.unlock();  // a handler may never return
    if (failure != nullptr) {
        failure->keep(message);
    } else if (handler != nullptr) {
        handler(context, message);
    }
}

}  // namespace castnet

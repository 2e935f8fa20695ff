#include "train/interruption.h"

#include <atomic>
#include <csignal>

namespace castnet {
namespace {

std::atomic<bool> noted{false};  // a signal handler sets it, and any thread reads it
static_assert(std::atomic<bool>::is_always_lock_free);

void note(int number) {
    noted = true;
    std::signal(number, SIG_DFL);
}

}  // namespace

Interruption::Interruption() {
    noted = false;
    std::signal(SIGINT, note);
    std::signal(SIGTERM, note);
}

Interruption::~Interruption() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

bool Interruption::requested() noexcept {
    return noted;
}

}  // namespace castnet

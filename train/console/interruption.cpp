#include "train/console/interruption.h"

#include <atomic>
#include <csignal>

namespace castnet {
namespace {

constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

std::atomic<bool> noted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // so that a handler may set it, and any thread read it

void note(int number) {
    noted = true;
    std::signal(number, number == SIGHUP ? SIG_IGN : SIG_DFL);
}

}  // namespace

Interruption::Interruption() {
    noted = false;
    for (std::size_t i = 0; i < signals.size(); i++) {
        before_[i] = std::signal(signals[i], note);
        if (before_[i] == SIG_IGN) std::signal(signals[i], SIG_IGN);
    }
}

Interruption::~Interruption() {
    for (std::size_t i = 0; i < signals.size(); i++) std::signal(signals[i], before_[i]);
}

bool Interruption::requested() noexcept {
    return noted;
}

}  // namespace castnet

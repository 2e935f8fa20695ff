#include "train/interruption.h"

#include <csignal>

namespace castnet {
namespace {

volatile std::sig_atomic_t noted = 0;

void note(int number) {
    noted = 1;
    std::signal(number, SIG_DFL);
}

}  // namespace

Interruption::Interruption() {
    noted = 0;
    std::signal(SIGINT, note);
    std::signal(SIGTERM, note);
}

Interruption::~Interruption() {
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

bool Interruption::requested() noexcept {
    return noted != 0;
}

}  // namespace castnet

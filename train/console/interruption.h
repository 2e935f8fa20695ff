// Ctrl-C, SIGTERM and SIGHUP, which ask a run to stop.
#pragma once

#include <array>

namespace castnet {

/// While one exists, the first SIGINT, SIGTERM or SIGHUP is only noted. A second SIGINT or SIGTERM ends the program at once, as usual. A
/// second SIGHUP does nothing: a closing terminal sends one, and its shell another. Ignored signals stay ignored, such as SIGHUP by nohup.
class Interruption {
public:
    Interruption();
    Interruption(const Interruption &) = delete;
    Interruption &operator=(const Interruption &) = delete;
    ~Interruption();

    [[nodiscard]] static bool requested() noexcept;

private:
    std::array<void (*)(int), 3> before_{};
};

}  // namespace castnet

// Ctrl-C and SIGTERM, which ask a run to stop.
#pragma once

namespace castnet {

/// While one exists, the first SIGINT or SIGTERM is only noted; the second ends the program at once, as ever.
class Interruption {
public:
    Interruption();
    Interruption(const Interruption &) = delete;
    Interruption &operator=(const Interruption &) = delete;
    ~Interruption();

    [[nodiscard]] static bool requested() noexcept;
};

}  // namespace castnet

// The shortest of many times: a busy machine makes a measurement longer, never shorter.
#pragma once

#include <algorithm>
#include <chrono>
#include <limits>

namespace castnet {

class BestTime {
public:
    /// Times `calls` calls of body() as one sample. Returns the sample's seconds per call.
    template <typename Body>
    double sample(int calls, const Body &body) {
        const auto begin = std::chrono::steady_clock::now();
        for (int call = 0; call < calls; call++) body();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / calls;
        best_ = std::min(best_, seconds);
        return seconds;
    }
    [[nodiscard]] double seconds() const { return best_; }

private:
    double best_ = std::numeric_limits<double>::infinity();
};

}  // namespace castnet

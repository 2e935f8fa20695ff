// The options that choose the data, the same in train and explore.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/dataset.h"

namespace CLI {
class App;
}

namespace castnet {

/// "1,5,6" as numbers, or "all" as none. Throws Error, which names the option.
std::vector<int> parse_classes(const std::string &option, const std::string &text);

/// Throws Error: classes were asked for by the option, of data without labels.
[[noreturn]] void refuse_classes(const std::string &option, const std::string &text);

struct DataOptions {
    std::string path;
    std::string default_classes = "all";  ///< the network's; data without labels have none
    std::optional<std::string> classes;   ///< where they were asked for

    void add_to(CLI::App &app);
    /// The path, and what lies there where that is not MNIST though nobody chose otherwise.
    [[nodiscard]] std::string describe() const;
    /// Says so on standard error: for what does not show describe().
    void announce_substitute() const;
    /// Throws Error.
    [[nodiscard]] Dataset load(Part part, const Shape &shape) const;
};

}  // namespace castnet

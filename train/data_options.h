// The options that choose the data, the same in train and explore.
#pragma once

#include <string>
#include <vector>

#include "runtime/dataset.h"

namespace CLI {
class App;
}

namespace castnet {

/// "1,5,6" as numbers, or "all" as none. Throws Error.
std::vector<int> parse_classes(const std::string &text);

struct DataOptions {
    std::string folder;
    std::string classes = "1,5,6";

    void add_to(CLI::App &app);
    /// The folder, and why it is that one where bootstrap.sh had to choose ($CASTNET_DATA_NOTE).
    [[nodiscard]] std::string describe() const;
    /// Throws Error.
    [[nodiscard]] Dataset load(Part part, const Shape &shape) const;
};

}  // namespace castnet

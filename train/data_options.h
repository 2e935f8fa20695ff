// The options that choose the data, the same in train and explore.
#pragma once

#include <string>

#include "runtime/dataset.h"

namespace CLI {
class App;
}

namespace castnet {

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

// The options that choose the data, the same in train and explore.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "train/data/dataset.h"

namespace CLI {
class App;
}

namespace castnet {

/// "1,5,6", or "cat,dog" where the data's classes have names, as labels; "all" as none. Throws Error, which names the option.
std::vector<int> parse_classes(const std::string &option, const std::string &text, const std::vector<std::string> &class_names);

/// Throws Error: classes were asked for by the option, of data without labels.
[[noreturn]] void refuse_classes(const std::string &option, const std::string &text, const std::filesystem::path &missing_labels);

struct DataOptions {
    std::string path;
    std::string default_classes = "all";  ///< the network's; data without labels have none
    std::optional<std::string> classes;   ///< where they were asked for

    void add_to(CLI::App &app);
    /// The path, and what lies there where that is not MNIST though nobody chose otherwise.
    [[nodiscard]] std::string describe() const;
    /// Says so on standard error: for what does not show describe().
    void announce_substitute() const;
    /// The images of the classes; warn() is told if they are not, as the labels of the network's own classes are missing. Throws Error.
    [[nodiscard]] Dataset load(Part part, const Shape &shape, const std::function<void(const std::string &)> &warn) const;
};

}  // namespace castnet

// The options that choose the data, which train and explore share.
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

/// Parses "1,5,6", or "cat,dog" if the classes have names, into labels; "all" into none. Throws Error, which names the option.
std::vector<int> parse_classes(const std::string &option, const std::string &text, const std::vector<std::string> &class_names);

/// Throws the Error for an option that asks for classes of data without labels.
[[noreturn]] void refuse_classes(const std::string &option, const std::string &text, const std::filesystem::path &missing_labels);

struct DataOptions {
    std::string path;
    std::string default_classes = "all";  ///< the network's; ignored for data without labels
    std::optional<std::string> classes;   ///< if the user gave them

    void add_to(CLI::App &app);
    /// Returns the path, and says so if it holds Fashion-MNIST instead of the default MNIST.
    [[nodiscard]] std::string describe() const;
    /// Prints that on standard error, for programs that do not show describe().
    void announce_substitute() const;
    /// Loads the images of the classes, or all if there are no labels; calls warn() if the file of labels is missing. Throws Error, also if
    /// the user gave classes for data without labels.
    [[nodiscard]] Dataset load(Part part, const Shape &shape, const std::function<void(const std::string &)> &warn) const;
};

}  // namespace castnet

// The options that choose the data, which train and explore share.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "train/data/pairs.h"

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
    std::string targets;                  ///< the path of the targets; empty if the images are to be reproduced
    float noise = 0, mask = 0;            ///< see Corruption

    void add_to(CLI::App &app);
    /// Adds the options for targets and corruption.
    void add_targets_to(CLI::App &app);
    /// Returns the path, and says so if it holds Fashion-MNIST instead of the default MNIST.
    [[nodiscard]] std::string describe() const;
    /// Prints that on standard error, for programs that do not show describe().
    void announce_substitute() const;
    /// Loads the images of the classes, or all if there are no labels, with their targets and corruption; calls warn() if the file of
    /// labels is missing. Throws Error, also if the user gave classes for data without labels.
    [[nodiscard]] Pairs load(Part part, const NetworkDescription &network, const std::function<void(const std::string &)> &warn) const;
    /// Does the same for those labels; none for all.
    [[nodiscard]] Pairs load(Part part, const NetworkDescription &network, const std::vector<int> &chosen) const;
    /// Does the same with images that were read from elsewhere.
    [[nodiscard]] Pairs pair(Dataset images, const NetworkDescription &network) const;
};

}  // namespace castnet

#include "train/files/architecture.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <sstream>
#include <vector>

namespace castnet {
namespace {

/// Removes from a line what changes training alone: the keys l2 and trainable.
std::string without_training(std::string line) {
    for (const char *key : {" l2=", " trainable="}) {
        const std::size_t begin = line.find(key);
        if (begin != std::string::npos) line.erase(begin, line.find(' ', begin + 1) - begin);
    }
    return line;
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

/// Describes the first difference between the layers and a file's lines of them; "" if there is none.
std::string first_difference(std::span<const LayerDescription> layers, const std::vector<std::string> &lines, Use use) {
    const auto compared = [&](const std::string &line) { return use == Use::resume ? line : without_training(line); };
    for (std::size_t l = 0; l < std::min(layers.size(), lines.size()); l++) {
        const std::string line = compared(lines[l]), own = std::string(layers[l].canonical);
        // Earlier versions stored a layer's text as the user wrote it.
        if (line != compared(own) && line != compared(std::string(layers[l].text)))
            return fmt::format("the layer {} '{}' where '{}' is needed", l + 1, lines[l], own);
    }
    return lines.size() == layers.size() ? "" : fmt::format("{} layers where {} are needed", lines.size(), layers.size());
}

}  // namespace

Metadata architecture_of(const NetworkDescription &description) {
    const Shape input = description.input;
    std::string layers;
    for (const LayerDescription &layer : description.layers) layers += fmt::format("{}{}", layers.empty() ? "" : "\n", layer.canonical);
    return {{"network", std::string(description.name)},
            {"input", fmt::format("{}x{}x{}", input.height, input.width, input.channels)},
            {"encoder_layers", std::to_string(description.encoder_layers)},
            {"layers", layers},
            {"loss", std::string(description.loss)}};
}

std::string difference(const NetworkDescription &description, const Metadata &metadata, Use use) {
    const Metadata own = architecture_of(description);
    const auto differs = [&](const std::string &key) {
        const auto entry = metadata.find(key);
        return entry != metadata.end() && entry->second != own.at(key);
    };
    std::string what;
    if (differs("input")) {
        what = fmt::format("the input {} where {} is needed", metadata.at("input"), own.at("input"));
    } else if (differs("layers")) {
        what = first_difference(description.layers, lines_of(metadata.at("layers")), use);
    }
    if (what.empty() && use == Use::resume && differs("loss"))
        what = fmt::format("the loss {} where {} is needed", metadata.at("loss"), own.at("loss"));
    if (what.empty() && differs("encoder_layers"))
        what = fmt::format("{} layers as its encoder where {} are needed", metadata.at("encoder_layers"), own.at("encoder_layers"));
    if (!differs("network")) return what.empty() ? "" : fmt::format("has {}", what);
    if (what.empty() && use == Use::weights) return "";
    return fmt::format("is of the network {}{}{}", metadata.at("network"), what.empty() ? "" : ", which has ", what);
}

}  // namespace castnet

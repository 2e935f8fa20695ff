#include "train/options/data_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <utility>

#include "train/data/data_folder.h"
#include "train/files/error.h"
#include "train/options/checked_option.h"

namespace castnet {

std::vector<int> parse_classes(const std::string &option, const std::string &text, const std::vector<std::string> &class_names) {
    std::vector<int> classes;
    if (text == "all") return classes;
    for (const std::string &word : CLI::detail::split(text, ',')) {
        const std::optional<int> label = find_label(class_names, word);
        if (!label && class_names.empty())
            throw Error(fmt::format("{} {}: '{}' is not a label; give labels separated by commas, or all", option, text, word));
        if (!label)
            throw Error(fmt::format("{} {}: '{}' is no class of the data; give some of {}, separated by commas, or all", option, text, word,
                                    fmt::join(class_names, ", ")));
        classes.push_back(*label);
    }
    return classes;
}

void refuse_classes(const std::string &option, const std::string &text, const std::filesystem::path &missing_labels) {
    throw Error(fmt::format("{} {}: the data have no labels{}; leave it out", option, text,
                            missing_labels.empty() ? "" : fmt::format(", there is no {}", missing_labels.string())));
}

void DataOptions::add_to(CLI::App &app) {
    app.add_option("--data", path, fmt::format("Images: {}; otherwise $CASTNET_DATA, then the cache", accepted_data))->type_name("PATH");
    app.add_option("--classes", classes, "Labels to use, such as 2,3 or cat,dog, or all")->type_name("LIST")->default_str(default_classes);
}

void DataOptions::add_targets_to(CLI::App &app) {
    app.add_option("--targets", targets, "What to make of the images, one target for each in their order: like --data")->type_name("PATH");
    add_number(app, "--noise", noise, "Standard deviation of normal noise on what the network sees", 0, std::numeric_limits<float>::max());
    add_number(app, "--mask", mask, "Fraction of the pixels that the network sees as 0", 0, 1);
}

std::string DataOptions::describe() const {
    const std::filesystem::path data = find_data(path);
    return data.string() + (data == substitute_data() ? " (Fashion-MNIST, as MNIST could not be downloaded)" : "");
}

void DataOptions::announce_substitute() const {
    if (find_data(path) == substitute_data()) fmt::print(stderr, "data: {}\n", describe());
}

Pairs DataOptions::pair(Dataset images, const NetworkDescription &network) const {
    Pairs pairs = castnet::pair(std::move(images), targets, Part::test, network.output);
    pairs.corruption = corruption_of(pairs.images, noise, mask);
    return pairs;
}

Pairs DataOptions::load(Part part, const NetworkDescription &network, const std::vector<int> &chosen) const {
    Pairs pairs = load_pairs(find_data(path), targets, part, network, chosen);
    pairs.corruption = corruption_of(pairs.images, noise, mask);
    return pairs;
}

Pairs DataOptions::load(Part part, const NetworkDescription &network, const std::function<void(const std::string &)> &warn) const {
    const std::filesystem::path data = find_data(path);
    const std::string wanted = classes.value_or(default_classes);
    const std::vector<int> chosen = parse_classes("--classes", wanted, read_class_names(data));
    Pairs pairs = load(part, network, chosen);
    const Dataset &dataset = pairs.images;
    if (chosen.empty() || !dataset.labels.empty()) return pairs;
    if (classes) refuse_classes("--classes", wanted, dataset.missing_labels);
    if (!dataset.missing_labels.empty())
        warn(fmt::format("{} is missing, so all images are used, not only those of the classes {}", dataset.missing_labels.string(),
                         wanted));
    return pairs;
}

}  // namespace castnet

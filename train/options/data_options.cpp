#include "train/options/data_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>

#include "train/data/data_folder.h"
#include "train/files/error.h"

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

std::string DataOptions::describe() const {
    const std::filesystem::path data = find_data(path);
    return data.string() + (data == substitute_data() ? " (Fashion-MNIST, as MNIST could not be downloaded)" : "");
}

void DataOptions::announce_substitute() const {
    if (find_data(path) == substitute_data()) fmt::print(stderr, "data: {}\n", describe());
}

Dataset DataOptions::load(Part part, const Shape &shape, const std::function<void(const std::string &)> &warn) const {
    const std::filesystem::path data = find_data(path);
    const std::string wanted = classes.value_or(default_classes);
    const std::vector<int> chosen = parse_classes("--classes", wanted, read_class_names(data));
    Dataset dataset = load_dataset(data, part, shape, chosen);
    if (chosen.empty() || !dataset.labels.empty()) return dataset;
    if (classes) refuse_classes("--classes", wanted, dataset.missing_labels);
    if (!dataset.missing_labels.empty())
        warn(fmt::format("{} is missing, so all images are used, not only those of the classes {}", dataset.missing_labels.string(),
                         wanted));
    return dataset;
}

}  // namespace castnet

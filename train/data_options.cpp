#include "train/data_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>

#include "runtime/data_folder.h"
#include "runtime/error.h"

namespace castnet {

std::vector<int> parse_classes(const std::string &option, const std::string &text) {
    std::vector<int> classes;
    if (text == "all") return classes;
    for (const std::string &word : CLI::detail::split(text, ',')) {
        int label = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), label);
        if (error != std::errc() || end != word.data() + word.size())
            throw Error(fmt::format("{} {}: '{}' is not a label; give labels with commas between, or all", option, text, word));
        classes.push_back(label);
    }
    return classes;
}

void refuse_classes(const std::string &option, const std::string &text) {
    throw Error(fmt::format("{} {}: the data have no labels; leave it out", option, text));
}

void DataOptions::add_to(CLI::App &app) {
    app.add_option("--data", path, fmt::format("Images: {}; otherwise $CASTNET_DATA, then the cache", accepted_data))->type_name("PATH");
    app.add_option("--classes", classes, "Labels to use, or all")->type_name("LIST")->default_str(default_classes);
}

std::string DataOptions::describe() const {
    const std::filesystem::path data = find_data(path);
    return data.string() + (data == substitute_data() ? " (Fashion-MNIST, as MNIST could not be downloaded)" : "");
}

void DataOptions::announce_substitute() const {
    if (find_data(path) == substitute_data()) fmt::print(stderr, "data: {}\n", describe());
}

Dataset DataOptions::load(Part part, const Shape &shape) const {
    const std::vector<int> chosen = parse_classes("--classes", classes.value_or(default_classes));
    Dataset dataset = load_dataset(find_data(path), part, shape, chosen);
    if (classes && !chosen.empty() && dataset.labels.empty()) refuse_classes("--classes", *classes);
    return dataset;
}

}  // namespace castnet

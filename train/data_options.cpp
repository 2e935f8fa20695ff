#include "train/data_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdlib>

#include "runtime/error.h"

namespace castnet {

std::vector<int> parse_classes(const std::string &text) {
    std::vector<int> classes;
    if (text == "all") return classes;
    for (const std::string &word : CLI::detail::split(text, ',')) {
        int label = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), label);
        if (error != std::errc() || end != word.data() + word.size())
            throw Error(fmt::format("--classes {}: '{}' is not a label; give labels with commas between, or all", text, word));
        classes.push_back(label);
    }
    return classes;
}

void DataOptions::add_to(CLI::App &app) {
    app.add_option("--data", folder, "Folder with MNIST's four files; otherwise $CASTNET_DATA, then the cache")->type_name("DIR");
    app.add_option("--classes", classes, "Labels to use, or all")->type_name("LIST")->capture_default_str();
}

std::string DataOptions::describe() const {
    const char *note = std::getenv("CASTNET_DATA_NOTE");
    return find_data_folder(folder).string() + (note != nullptr && folder.empty() ? fmt::format(" ({})", note) : "");
}

Dataset DataOptions::load(Part part, const Shape &shape) const {
    return load_dataset(find_data_folder(folder), part, shape, parse_classes(classes));
}

}  // namespace castnet

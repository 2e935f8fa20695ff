#include "runtime/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "runtime/data_folder.h"
#include "runtime/error.h"
#include "runtime/png.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

bool is_folder(const Path &path) {
    std::error_code ignored;
    return std::filesystem::is_directory(path, ignored);
}

bool is_png(const Path &path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return extension == ".png" && !is_folder(path);
}

/// What is in the folder, in the order of the names, without what is hidden.
std::vector<Path> entries(const Path &folder) {
    std::vector<Path> paths;
    std::error_code failure;
    for (std::filesystem::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure)) {
        if (!entry->path().filename().string().starts_with('.')) paths.push_back(entry->path());
    }
    if (failure) throw Error(fmt::format("{}: cannot be read ({}); check the folder", folder.string(), failure.message()));
    std::ranges::sort(paths);
    return paths;
}

std::vector<Path> images_in(const Path &folder) {
    std::vector<Path> paths = entries(folder);
    std::erase_if(paths, [](const Path &path) { return !is_png(path); });
    return paths;
}

/// The subfolders that hold images: one for each class.
std::vector<Path> class_folders(const Path &folder) {
    std::vector<Path> paths = entries(folder);
    std::erase_if(paths, [](const Path &path) { return !is_folder(path) || images_in(path).empty(); });
    return paths;
}

/// The part's own subfolder, or the folder itself.
Path part_folder(const Path &folder, Part part) {
    const auto own = [&](Part wanted) { return folder / to_string(wanted); };
    const Path subfolder = own(available(part, [&](Part wanted) { return is_folder(own(wanted)); }));
    return is_folder(subfolder) ? subfolder : folder;
}

std::optional<int> whole_number(const std::string &name) {
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
    return number;
}

/// The labels of the classes of both parts, by their names.
std::map<std::string, int> class_labels(const Path &folder) {
    std::set<std::string> names;
    for (const Part part : {Part::train, Part::test}) {
        for (const Path &path : class_folders(part_folder(folder, part))) names.insert(path.filename().string());
    }
    const bool numbered = std::ranges::all_of(names, [](const std::string &name) { return whole_number(name).has_value(); });
    std::map<std::string, int> labels;
    for (const std::string &name : names) {
        const auto place = static_cast<int>(labels.size());
        labels[name] = numbered ? whole_number(name).value_or(place) : place;
    }
    return labels;
}

struct LabelledFiles {
    std::vector<Path> paths;
    std::vector<int> labels;  // one for each, or none
};

LabelledFiles list_images(const Path &folder, const std::map<std::string, int> &labels) {
    LabelledFiles files{.paths = images_in(folder), .labels = {}};
    const std::vector<Path> classes = class_folders(folder);
    if (!files.paths.empty() && !classes.empty())
        throw Error(fmt::format("{}: holds images beside folders of images, as {}; give one or the other", folder.string(),
                                classes.front().filename().string()));
    for (const Path &path : classes) {
        for (Path &image : images_in(path)) {
            files.paths.push_back(std::move(image));
            files.labels.push_back(labels.at(path.filename().string()));
        }
    }
    if (files.paths.empty()) throw Error(fmt::format("{}: holds no images that are understood; give {}", folder.string(), accepted_data));
    return files;
}

}  // namespace

Dataset read_image_folder(const Path &folder, Part part, const Shape &shape, const std::vector<int> &classes) {
    const LabelledFiles files = list_images(part_folder(folder, part), class_labels(folder));
    const std::vector<Path> paths = kept(files.paths, 1, files.labels, classes);
    Dataset dataset{.shape = shape, .bytes = {}, .floats = {}, .labels = kept(files.labels, 1, files.labels, classes)};
    for (const Path &path : paths) {
        const std::size_t begin = dataset.bytes.size();
        dataset.bytes.resize(begin + shape.size());
        read_png(path, shape, std::span(dataset.bytes).subspan(begin));
    }
    return dataset;
}

}  // namespace castnet

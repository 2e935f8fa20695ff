#include "train/data/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "train/data/data_folder.h"
#include "train/data/png.h"
#include "train/files/error.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

bool is_folder(const Path &path) {
    std::error_code ignored;
    return std::filesystem::is_directory(path, ignored);
}

std::string extension_of(const Path &path) {
    std::string extension = path.extension().string();
    std::ranges::transform(extension, extension.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return extension;
}

bool is_png(const Path &path) {
    return extension_of(path) == ".png" && !is_folder(path);
}

/// Returns whether the name is that of an image in an unsupported format.
bool is_other_image(const Path &path) {
    constexpr std::array<std::string_view, 12> others{".avif", ".bmp", ".gif", ".heic", ".jpeg", ".jpg",
                                                      ".jxl",  ".pgm", ".ppm", ".tif",  ".tiff", ".webp"};
    return std::ranges::find(others, extension_of(path)) != others.end() && !is_folder(path);
}

/// Lists the folder's entries in the order of their names, without hidden ones.
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
    if (const auto others = std::ranges::count_if(paths, is_other_image); others > 0)
        throw Error(fmt::format("{}: {} of its images {} no PNG, such as {}; convert what you need, and move the rest elsewhere",
                                folder.string(), others, others == 1 ? "is" : "are",
                                std::ranges::find_if(paths, is_other_image)->filename().string()));
    std::erase_if(paths, [](const Path &path) { return !is_png(path); });
    return paths;
}

/// Returns the subfolders that hold images: one per class.
std::vector<Path> class_folders(const Path &folder) {
    std::vector<Path> paths = entries(folder);
    std::erase_if(paths, [](const Path &path) { return !is_folder(path) || images_in(path).empty(); });
    return paths;
}

/// Returns the part's own subfolder, or the folder itself.
Path part_folder(const Path &folder, Part part) {
    const auto own = [&](Part wanted) { return folder / to_string(wanted); };
    const Path subfolder = own(available(part, [&](Part wanted) { return is_folder(own(wanted)); }));
    return is_folder(subfolder) ? subfolder : folder;
}

struct LabelledFiles {
    std::vector<Path> paths;
    std::vector<int> labels;  // one per path, or none
};

LabelledFiles list_images(const Path &folder, const std::vector<std::string> &class_names) {
    LabelledFiles files{.paths = images_in(folder), .labels = {}};
    const std::vector<Path> classes = class_folders(folder);
    if (!files.paths.empty() && !classes.empty())
        throw Error(fmt::format("{}: holds images beside folders of images, such as {}; give one or the other", folder.string(),
                                classes.front().filename().string()));
    for (const Path &path : classes) {
        for (Path &image : images_in(path)) {
            files.paths.push_back(std::move(image));
            files.labels.push_back(find_label(class_names, path.filename().string()).value());
        }
    }
    if (files.paths.empty()) throw Error(fmt::format("{}: holds no images that are understood; give {}", folder.string(), accepted_data));
    return files;
}

}  // namespace

std::vector<std::string> image_class_names(const Path &folder) {
    std::set<std::string> names;
    std::set<int> numbers;
    for (const Part part : {Part::train, Part::test}) {
        for (const Path &path : class_folders(part_folder(folder, part))) {
            const std::string name = path.filename().string();
            names.insert(name);
            if (const std::optional<int> number = find_label({}, name)) numbers.insert(*number);
        }
    }
    if (numbers.size() == names.size()) return {};
    return {names.begin(), names.end()};
}

Dataset read_image_folder(const Path &folder, Part part, const Shape &shape, const std::vector<int> &classes) {
    std::vector<std::string> class_names = image_class_names(folder);
    const LabelledFiles files = list_images(part_folder(folder, part), class_names);
    const std::vector<Path> paths = kept(files.paths, 1, files.labels, classes);
    Dataset dataset{.shape = shape,
                    .bytes = {},
                    .floats = {},
                    .labels = kept(files.labels, 1, files.labels, classes),
                    .class_names = std::move(class_names)};
    std::vector<std::uint8_t> bytes(paths.size() * shape.size());
    for (std::size_t i = 0; i < paths.size(); i++) read_png(paths[i], shape, std::span(bytes).subspan(i * shape.size(), shape.size()));
    dataset.bytes = std::move(bytes);
    return dataset;
}

}  // namespace castnet

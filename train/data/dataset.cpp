#include "train/data/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <map>
#include <numeric>

#include "train/data/data_folder.h"
#include "train/data/idx_folder.h"
#include "train/data/image_folder.h"
#include "train/data/npy_folder.h"
#include "train/data/npy_images.h"
#include "train/files/error.h"

namespace castnet {
namespace {

void check_is_there(const std::filesystem::path &data) {
    if (!is_there(data)) throw Error(fmt::format("{}: there is no such file or folder; give {}", data.string(), accepted_data));
}

Dataset read_data(const std::filesystem::path &data, Part part, const Shape &shape, const std::vector<int> &classes) {
    check_is_there(data);
    if (!std::filesystem::is_directory(data)) return is_idx_file(data) ? read_idx_file(data, shape) : read_npy_images(data, shape);
    if (is_idx_folder(data)) return read_idx_folder(data, part, shape, classes);
    if (is_npy_folder(data)) return read_npy_folder(data, part, shape, classes);
    return read_image_folder(data, part, shape, classes);
}

/// Returns Castnet's folder in the user's cache.
std::filesystem::path cache() {
    std::filesystem::path folder;
    if (const char *caches = std::getenv("XDG_CACHE_HOME"); caches != nullptr && *caches != '\0') {
        folder = caches;
    } else if (const char *home = std::getenv("HOME"); home != nullptr) {
        folder = std::filesystem::path(home) / ".cache";
    }
    return folder / "castnet";
}

/// Returns the first of MNIST's files that the folder has neither plain nor as .gz; empty if it has all.
std::string missing_file(const std::filesystem::path &folder) {
    for (std::string name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
        if (!is_there(folder / name) && !is_there(folder / (name + ".gz"))) return name;
    }
    return {};
}

}  // namespace

std::string to_string(Part part) {
    return part == Part::train ? "train" : "test";
}

std::string label_name(const std::vector<std::string> &class_names, int label) {
    return class_names.empty() ? std::to_string(label) : class_names.at(static_cast<std::size_t>(label));
}

std::optional<int> find_label(const std::vector<std::string> &class_names, const std::string &name) {
    if (!class_names.empty()) {
        const auto found = std::ranges::find(class_names, name);
        if (found == class_names.end()) return std::nullopt;
        return static_cast<int>(found - class_names.begin());
    }
    int number = 0;
    const char *end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data(), end, number);
    if (error != std::errc() || rest != end) return std::nullopt;
    return number;
}

Dataset load_dataset(const std::filesystem::path &data, Part part, const Shape &shape, const std::vector<int> &classes) {
    Dataset dataset = read_data(data, part, shape, classes);
    check_not_empty(dataset, data, part, classes);
    return dataset;
}

void check_not_empty(const Dataset &dataset, const std::filesystem::path &data, Part part, const std::vector<int> &classes) {
    if (dataset.size() > 0) return;
    if (classes.empty()) throw Error(fmt::format("{}: holds no {} image; give more", data.string(), to_string(part)));
    std::vector<std::string> names;
    std::ranges::transform(classes, std::back_inserter(names), [&](int label) { return label_name(dataset.class_names, label); });
    throw Error(fmt::format("{}: has no {} image of the classes {}; choose others", data.string(), to_string(part), fmt::join(names, ",")));
}

std::vector<std::string> read_class_names(const std::filesystem::path &data) {
    check_is_there(data);
    if (!std::filesystem::is_directory(data) || is_idx_folder(data) || is_npy_folder(data)) return {};
    return image_class_names(data);
}

std::filesystem::path find_data(const std::string &option) {
    if (!option.empty()) return option;
    if (const char *folder = std::getenv("CASTNET_DATA"); folder != nullptr && *folder != '\0') return folder;
    std::filesystem::path mnist = cache() / "mnist", substitute = substitute_data();
    const std::string missing = missing_file(mnist);
    if (missing.empty()) return mnist;
    if (is_there(substitute)) return substitute;
    if (is_there(mnist))
        throw Error(
            fmt::format("{}: MNIST is incomplete, {} is missing; let cmake/bootstrap.sh train download it, or give {} by --data or "
                        "CASTNET_DATA",
                        mnist.string(), missing, accepted_data));
    throw Error(fmt::format("no data: give {} by --data or CASTNET_DATA, or let cmake/bootstrap.sh train download MNIST", accepted_data));
}

std::filesystem::path substitute_data() {
    return cache() / "fashion-mnist";
}

std::vector<float> Dataset::gather(std::span<const std::uint32_t> indices) const {
    std::vector<float> values(indices.size() * shape.size());
    for (std::size_t i = 0; i < indices.size(); i++) images().copy(indices[i], values.data() + i * shape.size());
    release();
    return values;
}

std::vector<std::uint32_t> all_indices(std::size_t count) {
    std::vector<std::uint32_t> indices(count);
    std::iota(indices.begin(), indices.end(), 0U);
    return indices;
}

std::size_t part_of(std::size_t count, double fraction) {
    return static_cast<std::size_t>(std::llround(fraction * static_cast<double>(count)));
}

std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> split_stratified(const Dataset &dataset, double fraction,
                                                                                   Random &random) {
    std::map<int, std::vector<std::uint32_t>> by_label;
    if (dataset.labels.empty()) by_label[0] = all_indices(dataset.size());
    for (std::size_t i = 0; i < dataset.labels.size(); i++) by_label[dataset.labels[i]].push_back(static_cast<std::uint32_t>(i));
    std::vector<bool> is_split_off(dataset.size());
    for (auto &[label, indices] : by_label) {
        if (const std::size_t count = part_of(indices.size(), fraction); count == 0) {
            skip_shuffle(indices.size(), random);
        } else {
            shuffle(indices, random);
            for (const std::uint32_t i : std::span(indices).first(count)) is_split_off[i] = true;
        }
    }
    by_label.clear();  // as large as each of the two lists
    std::vector<std::uint32_t> rest, split_off;
    rest.reserve(dataset.size());
    for (std::size_t i = 0; i < dataset.size(); i++) (is_split_off[i] ? split_off : rest).push_back(static_cast<std::uint32_t>(i));
    return {std::move(rest), std::move(split_off)};
}

}  // namespace castnet

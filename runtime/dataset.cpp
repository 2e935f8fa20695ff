#include "runtime/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>

#include "runtime/data_folder.h"
#include "runtime/error.h"
#include "runtime/idx_folder.h"
#include "runtime/image_folder.h"
#include "runtime/npy_folder.h"
#include "runtime/npy_images.h"

namespace castnet {
namespace {

Dataset read_data(const std::filesystem::path &data, Part part, const Shape &shape, const std::vector<int> &classes) {
    if (!is_there(data)) throw Error(fmt::format("{}: there is no such file or folder; give {}", data.string(), accepted_data));
    if (!std::filesystem::is_directory(data)) return read_npy_images(data, shape);
    if (is_idx_folder(data)) return read_idx_folder(data, part, shape, classes);
    if (is_npy_folder(data)) return read_npy_folder(data, part, shape, classes);
    return read_image_folder(data, part, shape, classes);
}

}  // namespace

std::string to_string(Part part) {
    return part == Part::train ? "train" : "test";
}

Dataset load_dataset(const std::filesystem::path &data, Part part, const Shape &shape, const std::vector<int> &classes) {
    Dataset dataset = read_data(data, part, shape, classes);
    if (dataset.size() > 0) return dataset;
    if (classes.empty()) throw Error(fmt::format("{}: holds no {} image; give more", data.string(), to_string(part)));
    throw Error(
        fmt::format("{}: has no {} image of the classes {}; choose others", data.string(), to_string(part), fmt::join(classes, ",")));
}

std::filesystem::path find_data(const std::string &option) {
    if (!option.empty()) return option;
    if (const char *folder = std::getenv("CASTNET_DATA"); folder != nullptr && *folder != '\0') return folder;
    std::filesystem::path cache;
    if (const char *folder = std::getenv("XDG_CACHE_HOME"); folder != nullptr && *folder != '\0') {
        cache = folder;
    } else if (const char *home = std::getenv("HOME"); home != nullptr) {
        cache = std::filesystem::path(home) / ".cache";
    }
    cache = cache / "castnet" / "mnist";
    if (!std::filesystem::is_directory(cache))
        throw Error(fmt::format("no data: give {} by --data or CASTNET_DATA, or let cmake/bootstrap.sh download MNIST", accepted_data));
    return cache;
}

std::vector<float> Dataset::gather(std::span<const std::uint32_t> indices) const {
    std::vector<float> values(indices.size() * shape.size());
    for (std::size_t i = 0; i < indices.size(); i++) images().copy(indices[i], values.data() + i * shape.size());
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
    for (const std::uint32_t i : all_indices(dataset.size())) by_label[dataset.labels.empty() ? 0 : dataset.labels[i]].push_back(i);
    std::vector<std::uint32_t> rest, split_off;
    for (auto &[label, indices] : by_label) {
        shuffle(indices, random);
        const auto count = static_cast<std::ptrdiff_t>(part_of(indices.size(), fraction));
        split_off.insert(split_off.end(), indices.begin(), indices.begin() + count);
        rest.insert(rest.end(), indices.begin() + count, indices.end());
    }
    std::ranges::sort(rest);
    std::ranges::sort(split_off);
    return {rest, split_off};
}

}  // namespace castnet

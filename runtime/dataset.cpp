#include "runtime/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <numeric>

#include "runtime/error.h"
#include "runtime/idx.h"

namespace castnet {
namespace {

IdxReader open_part(const std::filesystem::path &folder, const std::string &name) {
    for (const char *suffix : {"", ".gz"}) {
        const std::filesystem::path path = folder / (name + suffix);
        if (std::filesystem::exists(path)) return IdxReader(path);
    }
    throw Error(fmt::format("{}: holds neither {} nor {}.gz; give a folder with MNIST's four files", folder.string(), name, name));
}

std::string describe(const std::vector<std::size_t> &shape) {
    return fmt::format("{}", fmt::join(shape, "x"));
}

std::vector<int> read_labels(IdxReader &file) {
    std::vector<int> labels;
    std::vector<float> values;
    // The memory grows with what the file really holds, not with what its header announces.
    for (std::size_t have = 0; have < file.size(); have += values.size()) {
        values.resize(std::min<std::size_t>(file.size() - have, 1U << 16U));
        file.read(values);
        for (const float value : values) labels.push_back(static_cast<int>(value));
    }
    file.finish();
    return labels;
}

/// Reads the images one by one into `to`, and keeps those whose labels are kept.
template <typename Element>
void read_images(IdxReader &file, std::size_t elements, const std::vector<bool> &kept, std::vector<Element> &to) {
    to.reserve(elements * static_cast<std::size_t>(std::ranges::count(kept, true)));
    std::vector<Element> image(elements);
    for (const bool keep : kept) {
        file.read(std::span<Element>(image));
        if (keep) to.insert(to.end(), image.begin(), image.end());
    }
    file.finish();
}

}  // namespace

Dataset load_dataset(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes) {
    if (!std::filesystem::is_directory(folder))
        throw Error(fmt::format("{}: is not a folder; give one with MNIST's four files by --data or CASTNET_DATA", folder.string()));
    const std::string prefix = part == Part::train ? "train" : "t10k";
    IdxReader images = open_part(folder, prefix + "-images-idx3-ubyte");
    IdxReader labels = open_part(folder, prefix + "-labels-idx1-ubyte");

    std::vector<std::size_t> image_shape(images.shape());
    const std::size_t count = image_shape.empty() ? 0 : image_shape.front();
    if (!image_shape.empty()) image_shape.erase(image_shape.begin());
    std::vector<std::size_t> wanted{static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.width)};
    if (image_shape.size() != 2 || shape.channels != 1) wanted.push_back(static_cast<std::size_t>(shape.channels));
    if (image_shape != wanted)
        throw Error(fmt::format("{}: its {} images are {}, the network's are {}; give data of that shape", folder.string(), prefix,
                                describe(image_shape), describe(wanted)));
    if (labels.shape().size() != 1 || labels.size() != count)
        throw Error(fmt::format("{}: {} labels do not match {} {} images; give labels and images of one set", folder.string(),
                                labels.size(), count, prefix));

    Dataset dataset{.shape = shape, .bytes = {}, .floats = {}, .labels = {}};
    std::vector<bool> kept;
    for (const int label : read_labels(labels)) {
        kept.push_back(classes.empty() || std::ranges::find(classes, label) != classes.end());
        if (kept.back()) dataset.labels.push_back(label);
    }
    if (images.holds_bytes()) {
        read_images(images, shape.size(), kept, dataset.bytes);
    } else {
        read_images(images, shape.size(), kept, dataset.floats);
    }
    if (dataset.size() == 0)
        throw Error(fmt::format("{}: has no {} image of the classes {}; choose others with --classes", folder.string(), prefix,
                                fmt::join(classes, ",")));
    return dataset;
}

std::filesystem::path find_data_folder(const std::string &option) {
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
        throw Error("no data: give a folder with MNIST's four files by --data or CASTNET_DATA, or let cmake/bootstrap.sh download them");
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

std::pair<std::vector<std::uint32_t>, std::vector<std::uint32_t>> split_stratified(const std::vector<int> &labels, double fraction,
                                                                                   Random &random) {
    std::map<int, std::vector<std::uint32_t>> by_label;
    for (std::uint32_t i = 0; i < labels.size(); i++) by_label[labels[i]].push_back(i);
    std::vector<std::uint32_t> rest, split_off;
    for (auto &[label, indices] : by_label) {
        shuffle(indices, random);
        const auto count = std::lround(fraction * static_cast<double>(indices.size()));
        split_off.insert(split_off.end(), indices.begin(), indices.begin() + count);
        rest.insert(rest.end(), indices.begin() + count, indices.end());
    }
    std::ranges::sort(rest);
    std::ranges::sort(split_off);
    return {rest, split_off};
}

}  // namespace castnet

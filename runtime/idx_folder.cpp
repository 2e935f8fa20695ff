#include "runtime/idx_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "runtime/data_folder.h"
#include "runtime/error.h"
#include "runtime/idx.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

/// The file of the part, plain or gzip; empty where there is neither.
Path find(const Path &folder, Part part, const std::string &what) {
    for (const char *suffix : {"", ".gz"}) {
        Path path = folder / ((part == Part::train ? "train" : "t10k") + what + suffix);
        if (is_there(path)) return path;
    }
    return {};
}

Path find_images(const Path &folder, Part part) {
    return find(folder, part, "-images-idx3-ubyte");
}

/// Throws Error unless the file holds images of the shape; one channel need not be a dimension.
void check_images(const Path &path, const IdxReader &images, const Shape &shape) {
    std::vector<std::size_t> extents = images.shape();
    if (!extents.empty()) extents.erase(extents.begin());
    std::vector<std::size_t> wanted{static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.width)};
    if (extents.size() != 2 || shape.channels != 1) wanted.push_back(static_cast<std::size_t>(shape.channels));
    if (extents != wanted)
        throw Error(fmt::format("{}: its images are {}, the network's are {}; give data of that shape", path.string(),
                                fmt::join(extents, "x"), fmt::join(wanted, "x")));
}

std::vector<int> read_labels(const Path &path, std::size_t count) {
    IdxReader file(path);
    check_labels(path, file.shape(), count);
    std::vector<int> labels;
    labels.reserve(count);
    std::vector<float> values;
    for (std::size_t have = 0; have < file.size(); have += values.size()) {
        values.resize(std::min<std::size_t>(file.size() - have, 1U << 16U));
        file.read(values);
        for (const float value : values) labels.push_back(label_of(value, path));
    }
    file.finish();
    return labels;
}

/// Reads the images one by one into `to`, and keeps those of the classes, so that no others take memory.
template <typename Element>
void read_images(IdxReader &file, std::span<const int> labels, const std::vector<int> &classes, std::vector<Element> &to) {
    const std::size_t count = file.shape().front();
    std::vector<Element> image(file.size() / std::max<std::size_t>(count, 1));
    for (std::size_t i = 0; i < count; i++) {
        file.read(std::span<Element>(image));
        if (is_kept(labels, i, classes)) to.insert(to.end(), image.begin(), image.end());
    }
    file.finish();
}

}  // namespace

bool is_idx_folder(const Path &folder) {
    return !find_images(folder, Part::train).empty() || !find_images(folder, Part::test).empty();
}

Dataset read_idx_folder(const Path &folder, Part part, const Shape &shape, const std::vector<int> &classes) {
    part = available(part, [&](Part wanted) { return !find_images(folder, wanted).empty(); });
    const Path path = find_images(folder, part), labels_path = find(folder, part, "-labels-idx1-ubyte");
    IdxReader images(path);
    check_images(path, images, shape);
    std::vector<int> labels;
    if (!labels_path.empty()) labels = read_labels(labels_path, images.shape().front());

    Dataset dataset{.shape = shape, .bytes = {}, .floats = {}, .labels = kept(labels, 1, labels, classes)};
    const std::size_t elements = (labels.empty() ? images.shape().front() : dataset.labels.size()) * shape.size();
    if (images.holds_bytes()) {
        dataset.bytes.reserve(elements);
        read_images(images, labels, classes, dataset.bytes);
    } else {
        dataset.floats.reserve(elements);
        read_images(images, labels, classes, dataset.floats);
        check_finite(path, dataset);
    }
    return dataset;
}

}  // namespace castnet

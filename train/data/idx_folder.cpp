#include "train/data/idx_folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <string>

#include "train/data/data_folder.h"
#include "train/data/idx.h"
#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

/// Returns the part's file of "images" or "labels": the one that exists, or else the one that should.
Path file_of(const Path &folder, Part part, const std::string &what) {
    const std::string name = fmt::format("{}-{}", part == Part::train ? "train" : "t10k", what),
                      type = what == "images" ? "idx3-ubyte" : "idx1-ubyte";
    for (const char *separator : {"-", "."}) {
        for (const char *suffix : {"", ".gz"}) {
            Path path = folder / fmt::format("{}{}{}{}", name, separator, type, suffix);
            if (is_there(path)) return path;
        }
    }
    return folder / fmt::format("{}-{}", name, type);
}

bool holds(const Path &folder, Part part) {
    return is_there(file_of(folder, part, "images"));
}

/// Throws Error unless the file holds images of the shape; a single channel need not be a dimension.
void check_images(const Path &path, const IdxReader &images, const Shape &shape) {
    std::vector<std::size_t> extents = images.shape();
    if (extents.size() == 1)
        throw Error(fmt::format("{}: holds {} numbers in one dimension, like labels, and no images; give the file of the images",
                                path.string(), extents.front()));
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

/// Returns the `elements` of the images of the classes. Reads images one by one, so that no others take memory.
template <typename Element>
std::vector<Element> read_images(IdxReader &file, std::span<const int> labels, const std::vector<int> &classes, std::size_t elements) {
    std::vector<Element> to;
    to.reserve(elements);
    const std::size_t count = file.shape().front();
    std::vector<Element> image(file.size() / std::max<std::size_t>(count, 1));
    for (std::size_t i = 0; i < count; i++) {
        file.read(std::span<Element>(image));
        if (is_kept(labels, i, classes)) to.insert(to.end(), image.begin(), image.end());
    }
    file.finish();
    return to;
}

/// Reads the images of the classes, with labels if there is a file of them.
Dataset read(const Path &path, const Path &labels_path, const Shape &shape, const std::vector<int> &classes) {
    IdxReader images(path);
    check_images(path, images, shape);
    std::vector<int> labels;
    const bool labelled = is_there(labels_path);
    if (labelled) labels = read_labels(labels_path, images.shape().front());

    Dataset dataset{.shape = shape,
                    .bytes = {},
                    .floats = {},
                    .labels = kept(labels, 1, labels, classes),
                    .missing_labels = labelled ? Path() : labels_path};
    const std::size_t elements = (labels.empty() ? images.shape().front() : dataset.labels.size()) * shape.size();
    if (labels.empty() || classes.empty()) dataset.bytes = images.map();
    if (!dataset.bytes.empty()) return dataset;
    if (images.holds_bytes()) {
        dataset.bytes = read_images<std::uint8_t>(images, labels, classes, elements);
    } else {
        dataset.floats = read_images<float>(images, labels, classes, elements);
        check_finite(path, dataset);
    }
    return dataset;
}

}  // namespace

bool is_idx_folder(const Path &folder) {
    return holds(folder, Part::train) || holds(folder, Part::test);
}

Dataset read_idx_folder(const Path &folder, Part part, const Shape &shape, const std::vector<int> &classes) {
    part = available(part, [&](Part wanted) { return holds(folder, wanted); });
    return read(file_of(folder, part, "images"), file_of(folder, part, "labels"), shape, classes);
}

bool is_idx_file(const Path &file) {
    std::array<unsigned char, 2> begin{};
    const Descriptor descriptor = open_to_read(file);
    const ssize_t got = uninterrupted([&] { return ::read(descriptor.get(), begin.data(), begin.size()); });
    return got == 2 && (begin == std::array<unsigned char, 2>{0, 0} || begin == std::array<unsigned char, 2>{0x1f, 0x8b});
}

Dataset read_idx_file(const Path &file, const Shape &shape) {
    return read(file, {}, shape, {});
}

}  // namespace castnet

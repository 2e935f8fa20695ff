#include "train/data/npy_images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>
#include <vector>

#include "train/data/data_folder.h"
#include "train/data/npy.h"
#include "train/files/error.h"

namespace castnet {
namespace {

std::vector<std::size_t> npy_shape(std::size_t count, const Shape &shape) {
    return {count, static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.width), static_cast<std::size_t>(shape.channels)};
}

/// Drops the number of grids, and extents of 1.
std::vector<std::size_t> without_ones(std::vector<std::size_t> extents) {
    if (!extents.empty()) extents.erase(extents.begin());
    std::erase(extents, 1U);
    return extents;
}

}  // namespace

Dataset read_npy_images(const std::filesystem::path &path, const Shape &shape) {
    NpyArray array = read_npy(path);
    if (array.shape.empty() || array.shape.front() == 0 || without_ones(array.shape) != without_ones(npy_shape(1, shape)))
        throw Error(fmt::format("{}: its shape is ({}), it must be (n, {}, {}, {})", path.string(), fmt::join(array.shape, ", "),
                                shape.height, shape.width, shape.channels));
    // An int64 does not tell whether white is 255 or 1.
    if (array.kind == NpyKind::integers)
        throw Error(fmt::format("{}: holds wide integers; give images as uint8 of 0 to 255, or as float32", path.string()));
    Dataset images{.shape = shape, .bytes = std::move(array.bytes), .floats = std::move(array.values), .labels = {}};
    check_finite(path, images);
    return images;
}

void write_npy_images(const std::filesystem::path &path, const Shape &shape, std::span<const float> values) {
    write_npy(path, npy_shape(values.size() / shape.size(), shape), values);
}

}  // namespace castnet

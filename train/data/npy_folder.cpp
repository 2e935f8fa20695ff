#include "train/data/npy_folder.h"

#include "train/data/data_folder.h"
#include "train/data/npy.h"
#include "train/data/npy_images.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

Path images_file(const Path &folder, Part part) {
    return folder / (part == Part::train ? "train.npy" : "test.npy");
}

Path labels_file(const Path &folder, Part part) {
    return folder / (part == Part::train ? "train-labels.npy" : "test-labels.npy");
}

std::vector<int> read_labels(const Path &path, std::size_t count) {
    const NpyArray array = read_npy(path);
    check_labels(path, array.shape, count);
    std::vector<int> labels(array.bytes.begin(), array.bytes.end());
    for (const float value : array.values) labels.push_back(label_of(value, path));
    return labels;
}

}  // namespace

bool is_npy_folder(const Path &folder) {
    return is_there(images_file(folder, Part::train)) || is_there(images_file(folder, Part::test));
}

Dataset read_npy_folder(const Path &folder, Part part, const Shape &shape, const std::vector<int> &classes) {
    part = available(part, [&](Part wanted) { return is_there(images_file(folder, wanted)); });
    Dataset all = read_npy_images(images_file(folder, part), shape);
    const Path labels = labels_file(folder, part);
    if (is_there(labels)) {
        all.labels = read_labels(labels, all.size());
    } else {
        all.missing_labels = labels;
    }
    keep_classes(all, all.labels, classes);
    return all;
}

}  // namespace castnet

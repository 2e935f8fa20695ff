#include "runtime/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "runtime/error.h"
#include "runtime/idx.h"

namespace castnet {
namespace {

IdxArray read_part(const std::filesystem::path &folder, const std::string &name) {
    for (const char *suffix : {"", ".gz"}) {
        const std::filesystem::path path = folder / (name + suffix);
        if (std::filesystem::exists(path)) return IdxArray::read(path);
    }
    throw Error(fmt::format("{}: holds neither {} nor {}.gz; give a folder with MNIST's four files", folder.string(), name, name));
}

std::string describe(const std::vector<std::size_t> &shape) {
    return fmt::format("{}", fmt::join(shape, "x"));
}

void append(Dataset &to, const Dataset &from, std::size_t index) {
    const auto image = from.image(index);
    to.images.insert(to.images.end(), image.begin(), image.end());
    to.labels.push_back(from.labels[index]);
}

}  // namespace

Dataset load_dataset(const std::filesystem::path &folder, Part part, const Shape &shape, const std::vector<int> &classes) {
    if (!std::filesystem::is_directory(folder))
        throw Error(fmt::format("{}: is not a folder; give one with MNIST's four files by --data or CASTNET_DATA", folder.string()));
    const std::string prefix = part == Part::train ? "train" : "t10k";
    const IdxArray images = read_part(folder, prefix + "-images-idx3-ubyte");
    const IdxArray labels = read_part(folder, prefix + "-labels-idx1-ubyte");

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

    Dataset dataset{.shape = shape, .images = {}, .labels = {}};
    std::vector<float> label_values(count), image(shape.size());
    labels.copy(0, label_values);
    for (std::size_t i = 0; i < count; i++) {
        const int label = static_cast<int>(label_values[i]);
        if (!classes.empty() && std::ranges::find(classes, label) == classes.end()) continue;
        images.copy(i * shape.size(), image);
        if (images.holds_bytes()) std::ranges::for_each(image, [](float &value) { value /= 255.0F; });
        dataset.images.insert(dataset.images.end(), image.begin(), image.end());
        dataset.labels.push_back(label);
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

std::pair<Dataset, Dataset> split_stratified(const Dataset &dataset, double fraction, Random &random) {
    std::map<int, std::vector<std::uint32_t>> by_label;
    for (std::size_t i = 0; i < dataset.size(); i++) by_label[dataset.labels[i]].push_back(static_cast<std::uint32_t>(i));
    std::vector<bool> is_split_off(dataset.size());
    for (auto &[label, indices] : by_label) {
        shuffle(indices, random);
        const auto count = static_cast<std::size_t>(std::lround(fraction * static_cast<double>(indices.size())));
        for (std::size_t i = 0; i < count; i++) is_split_off[indices[i]] = true;
    }
    std::pair<Dataset, Dataset> parts{{.shape = dataset.shape, .images = {}, .labels = {}},
                                      {.shape = dataset.shape, .images = {}, .labels = {}}};
    for (std::size_t i = 0; i < dataset.size(); i++) append(is_split_off[i] ? parts.second : parts.first, dataset, i);
    return parts;
}

}  // namespace castnet

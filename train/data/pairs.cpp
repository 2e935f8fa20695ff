#include "train/data/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "train/data/data_folder.h"
#include "train/files/error.h"

namespace castnet {

std::vector<float> Pairs::inputs_at(std::span<const std::uint32_t> indices) const {
    std::vector<float> values(indices.size() * images.shape.size());
    for (std::size_t i = 0; i < indices.size(); i++) examples().copy_input(indices[i], values.data() + i * images.shape.size());
    release();
    return values;
}

std::vector<float> Pairs::targets_at(std::span<const std::uint32_t> indices) const {
    return (targets ? *targets : images).gather(indices);
}

Pairs pair(Dataset images, const std::filesystem::path &path, Part part, const Shape &shape) {
    Pairs pairs{.images = std::move(images)};
    if (path.empty()) return pairs;
    pairs.targets = load_dataset(path, part, shape, {});
    if (pairs.targets->size() != pairs.images.size())
        throw Error(fmt::format("{}: holds {} {} targets for {} images; give one for each, in their order", path.string(),
                                pairs.targets->size(), to_string(part), pairs.images.size()));
    return pairs;
}

Pairs load_pairs(const std::filesystem::path &data, const std::filesystem::path &targets, Part part, const NetworkDescription &network,
                 const std::vector<int> &classes) {
    if (targets.empty()) return {.images = load_dataset(data, part, network.input, classes)};
    Pairs pairs = pair(load_dataset(data, part, network.input, {}), targets, part, network.output);
    const std::vector<int> labels = pairs.images.labels;
    for (Dataset *dataset : {&pairs.images, &*pairs.targets}) keep_classes(*dataset, labels, classes);
    check_not_empty(pairs.images, data, part, classes);
    return pairs;
}

bool has_targets(const Pairs &pairs, const NetworkDescription &network) {
    return pairs.targets || network.input == network.output;
}

void check_targets(const Pairs &pairs, const NetworkDescription &network) {
    const Shape &in = network.input, &out = network.output;
    if (has_targets(pairs, network)) return;
    throw Error(fmt::format("{} makes {}x{}x{} of {}x{}x{}, so that its input cannot be its target; give targets by --targets",
                            network.name, out.height, out.width, out.channels, in.height, in.width, in.channels));
}

Corruption corruption_of(const Dataset &images, float noise, float mask) {
    Corruption corruption{.noise = noise, .mask = mask, .channels = images.shape.channels};
    if (images.floats.empty() || noise == 0) return corruption;
    const auto [least, most] = std::ranges::minmax(images.floats);
    images.release();
    corruption.least = least;
    corruption.most = most;
    return corruption;
}

}  // namespace castnet

#include "runtime/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "runtime/error.h"

namespace castnet {
namespace {

/// Calls visit(name, shape, values) for each tensor of the network that kernel(layer) and bias(layer) give.
template <typename Kernel, typename Bias, typename Visit>
void for_each_tensor(const NetworkDescription &description, const std::string &prefix, const Kernel &kernel, const Bias &bias,
                     const Visit &visit) {
    for (std::size_t l = 0; l < description.layers.size(); l++) {
        const LayerDescription &layer = description.layers[l];
        const auto shape = layer.kernel_shape();
        visit(fmt::format("{}{}/kernel", prefix, layer.name), std::vector<std::size_t>(shape.begin(), shape.end()), kernel(l));
        visit(fmt::format("{}{}/bias", prefix, layer.name), std::vector<std::size_t>{layer.bias_size()}, bias(l));
    }
}

template <typename Kernel, typename Bias>
void append(TensorFile &file, const NetworkDescription &description, const std::string &prefix, const Kernel &kernel, const Bias &bias) {
    for_each_tensor(description, prefix, kernel, bias, [&](std::string name, std::vector<std::size_t> shape, std::span<float> values) {
        file.tensors.push_back({std::move(name), std::move(shape), {values.begin(), values.end()}});
    });
}

}  // namespace

TensorFile weights_of(Network &network) {
    TensorFile file;
    file.metadata["network"] = network.description().name;
    std::string &layers = file.metadata["layers"];
    for (const LayerDescription &layer : network.description().layers)
        layers += fmt::format("{}{}", layers.empty() ? "" : "\n", layer.text);
    append(
        file, network.description(), "", [&](std::size_t l) { return network.kernel(l); }, [&](std::size_t l) { return network.bias(l); });
    return file;
}

TensorFile gradients_of(Network &network) {
    TensorFile file;
    append(
        file, network.description(), "", [&](std::size_t l) { return network.kernel_gradient(l); },
        [&](std::size_t l) { return network.bias_gradient(l); });
    return file;
}

void load_model(Network &network, const std::filesystem::path &path) {
    const TensorFile file = read_safetensors(path);
    const NetworkDescription &description = network.description();
    const auto fail = [&](const std::string &what) {
        return Error(fmt::format("{}: {}; give a model of the network {}", path.string(), what, description.name));
    };
    if (const auto name = file.metadata.find("network"); name != file.metadata.end() && name->second != description.name)
        throw fail(fmt::format("is a model of the network {}", name->second));

    std::size_t known = 0;
    const auto kernel = [&](std::size_t l) { return network.kernel(l); };
    const auto bias = [&](std::size_t l) { return network.bias(l); };
    for_each_tensor(description, "", kernel, bias, [&](const std::string &name, const std::vector<std::size_t> &shape, std::span<float>) {
        const Tensor *tensor = file.find(name);
        if (tensor == nullptr) throw fail(fmt::format("holds no {}", name));
        if (tensor->shape != shape)
            throw fail(
                fmt::format("holds {} of shape ({}) where ({}) is needed", name, fmt::join(tensor->shape, ", "), fmt::join(shape, ", ")));
        known++;
    });
    const auto is_weight = [](const Tensor &tensor) { return !tensor.name.starts_with("adam/"); };
    if (static_cast<std::size_t>(std::ranges::count_if(file.tensors, is_weight)) != known)
        throw fail("holds more layers than the network has");
    for_each_tensor(description, "", kernel, bias, [&](const std::string &name, const std::vector<std::size_t> &, std::span<float> values) {
        std::ranges::copy(file.find(name)->values, values.begin());
    });
    if (network.weights_changed() != 0) throw Error(fmt::format("{}: {}", path.string(), error_message()));
}

void save_checkpoint(Network &network, const Adam &adam, const Random &random, int epoch, const std::filesystem::path &path) {
    TensorFile file = weights_of(network);
    file.metadata["step"] = std::to_string(adam.steps);
    file.metadata["epoch"] = std::to_string(epoch);
    file.metadata["random_state"] = std::to_string(random.state());
    for (const int which : {1, 2}) {
        append(
            file, network.description(), which == 1 ? "adam/m/" : "adam/v/", [&](std::size_t l) { return network.kernel_moment(which, l); },
            [&](std::size_t l) { return network.bias_moment(which, l); });
    }
    write_safetensors(path, file);
}

}  // namespace castnet

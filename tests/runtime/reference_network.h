// A whole network in double, built from its layers' texts: the independent reading of what the pipelines compute.
#pragma once

#include <span>
#include <sstream>

#include "runtime/network.h"
#include "tests/conformance/layer.h"

namespace castnet::test {

struct ReferenceLayer {
    Layer layer;
    std::string activation = "linear";
    double l2 = 0;
    std::vector<double> kernel, bias;
};

/// "3x5" or "3" → {3, 5} or {3, 3}.
inline std::pair<int, int> parse_pair(const std::string &text) {
    const std::size_t x = text.find('x');
    const int first = std::stoi(text.substr(0, x));
    return {first, x == std::string::npos ? first : std::stoi(text.substr(x + 1))};
}

inline ReferenceLayer parse_layer(const std::string &text, const Shape &input) {
    ReferenceLayer result;
    Layer &layer = result.layer;
    layer.input = input;
    std::istringstream words(text);
    std::string word;
    words >> word;
    layer.transpose = word == "conv2d_transpose";
    while (words >> word) {
        const std::string key = word.substr(0, word.find('=')), value = word.substr(word.find('=') + 1);
        if (key == "filters") layer.filters = std::stoi(value);
        if (key == "kernel") std::tie(layer.kernel_height, layer.kernel_width) = parse_pair(value);
        if (key == "stride") std::tie(layer.stride_y, layer.stride_x) = parse_pair(value);
        if (key == "padding") layer.same = value == "same";
        if (key == "activation") result.activation = value;
        if (key == "l2") result.l2 = std::stod(value);
    }
    return result;
}

class ReferenceNetwork {
public:
    /// With the network's present weights.
    explicit ReferenceNetwork(Network &network) {
        const castnet::Shape in = network.description().input();
        Shape shape{in.height, in.width, in.channels};
        for (std::size_t l = 0; l < network.description().layers.size(); l++) {
            layers.push_back(parse_layer(std::string(network.description().layers[l].text), shape));
            layers.back().kernel.assign(network.kernel(l).begin(), network.kernel(l).end());
            layers.back().bias.assign(network.bias(l).begin(), network.bias(l).end());
            shape = layers.back().layer.output();
        }
    }

    std::vector<ReferenceLayer> layers;

    /// One image through layers first … last - 1. Appends to `signs` which relus are on, when it is given.
    std::vector<double> forward(std::vector<double> values, std::size_t first, std::size_t last, std::vector<bool> *signs = nullptr) const {
        for (std::size_t l = first; l < last; l++) {
            const ReferenceLayer &r = layers[l];
            const Shape out = r.layer.output();
            std::vector<double> z(out.size());
            for (std::size_t i = 0; i < z.size(); i++) z[i] = r.bias[i % std::size_t(out.channels)];
            r.layer.for_each_product([&](std::size_t large, std::size_t small, std::size_t k) {
                if (r.layer.transpose) {
                    z[large] += values[small] * r.kernel[k];
                } else {
                    z[small] += values[large] * r.kernel[k];
                }
            });
            if (signs != nullptr && r.activation == "relu")
                for (const double value : z) signs->push_back(value > 0);
            activate(r.activation, z, out.channels);
            values = std::move(z);
        }
        return values;
    }

    /// Mean squared error over all images and elements, plus the penalties.
    double loss(std::span<const float> inputs, std::span<const float> targets, std::size_t images,
                std::vector<bool> *signs = nullptr) const {
        const std::size_t in = inputs.size() / images, out = targets.size() / images;
        double sum = 0;
        for (std::size_t n = 0; n < images; n++) {
            const std::vector<double> y =
                forward({inputs.begin() + std::ptrdiff_t(n * in), inputs.begin() + std::ptrdiff_t((n + 1) * in)}, 0, layers.size(), signs);
            for (std::size_t i = 0; i < out; i++) sum += (y[i] - targets[n * out + i]) * (y[i] - targets[n * out + i]);
        }
        sum /= double(images * out);
        for (const ReferenceLayer &r : layers)
            for (const double w : r.kernel) sum += r.l2 * w * w;
        return sum;
    }
};

}  // namespace castnet::test

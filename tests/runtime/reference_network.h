// The formulas of a whole network in double, for the layers that the compiler describes.
#pragma once

#include <optional>
#include <span>
#include <utility>

#include "runtime/network.h"
#include "runtime/random.h"
#include "tests/conformance/grid_map.h"
#include "tests/conformance/layer.h"

namespace castnet::test {

struct ReferenceLayer {
    LayerDescription description;
    std::vector<double> kernel, bias;
};

class ReferenceNetwork {
public:
    /// Copies the network's current weights.
    explicit ReferenceNetwork(Network &network) : loss(network.description().loss) {
        for (std::size_t l = 0; l < network.description().layers.size(); l++)
            layers.push_back({.description = network.description().layers[l],
                              .kernel = {network.kernel(l).begin(), network.kernel(l).end()},
                              .bias = {network.bias(l).begin(), network.bias(l).end()}});
    }

    std::vector<ReferenceLayer> layers;
    std::string loss;                                                      ///< its name
    std::optional<std::pair<std::uint64_t, std::uint64_t>> seed_and_step;  ///< of what dropout draws, if it does

    /// Runs one image through layers first … last - 1. Appends to `signs`, if given, which side of its kink each relu, elu or absolute
    /// error is on, and which cell each maximum is.
    std::vector<double> forward(std::vector<double> values, std::size_t first, std::size_t last, std::vector<std::size_t> *signs = nullptr,
                                int image = 0) const {
        for (std::size_t l = first; l < last; l++) {
            const ReferenceLayer &r = layers[l];
            const bool is_transposed = r.description.is_transposed();
            std::vector<double> z(r.description.output.size());
            if (!r.description.has_weights()) {
                const auto add = [&](std::size_t i, std::size_t o, double weight) {
                    z[o] += weight * values[i];
                    if (signs != nullptr && r.description.kind == LayerKind::max_pool) signs->push_back(i);
                };
                for_each_term(r.description, values, add, draw(l), image);
                values = std::move(z);
                continue;
            }
            for (std::size_t i = 0; i < z.size(); i++) z[i] = r.bias[i % r.bias.size()];
            for_each_product(r.description, [&](std::size_t large, std::size_t small, std::size_t k) {
                z[is_transposed ? large : small] += values[is_transposed ? small : large] * r.kernel[k];
            });
            const std::string activation(r.description.activation);
            if (signs != nullptr && activation.find("lu") != std::string::npos)
                for (const double value : z) signs->push_back(value > 0 ? 1 : 0);
            activate(activation, z, r.description.output.channels);
            values = std::move(z);
        }
        return values;
    }

    /// Returns the network's loss, the mean over all images and elements, plus the penalties.
    double loss_of(std::span<const float> inputs, std::span<const float> targets, std::size_t images,
                   std::vector<std::size_t> *signs = nullptr) const {
        const std::size_t in = inputs.size() / images, out = targets.size() / images;
        double sum = 0;
        for (std::size_t n = 0; n < images; n++) {
            const std::vector<double> y = forward({inputs.begin() + std::ptrdiff_t(n * in), inputs.begin() + std::ptrdiff_t((n + 1) * in)},
                                                  0, layers.size(), signs, int(n));
            for (std::size_t i = 0; i < out; i++) {
                const double target = targets[n * out + i];
                sum += reference::loss(loss, y[i], target);
                if (signs != nullptr && loss == "mean_absolute_error") signs->push_back(y[i] > target ? 1 : 0);
            }
        }
        return sum / double(images * out) + penalty();
    }

    /// Returns what a dropout layer draws.
    Draw draw(std::size_t layer) const {
        if (!seed_and_step) return {};
        const auto [seed, step] = *seed_and_step;
        const double rate = double(layers[layer].description.rate);
        const std::uint64_t state = Random(Random(seed).next() + step).next();
        return {.key = std::uint32_t(Random(state + layer).next() >> 32U),
                .threshold = std::uint32_t(rate * 0x1p32),
                .first_image = 0,
                .scale = float(1 / (1 - rate))};
    }

    double penalty() const {
        double sum = 0;
        for (const ReferenceLayer &r : layers)
            for (const double w : r.kernel) sum += double{r.description.l2} * w * w;
        return sum;
    }
};

}  // namespace castnet::test

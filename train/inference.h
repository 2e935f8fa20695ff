// A network on whole sets of images.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "runtime/network.h"
#include "train/data/dataset.h"

namespace castnet {

/// The outputs of layers first … last - 1 for all inputs, which are images of the first layer's input shape. Throws Error.
std::vector<float> infer(Network &network, std::size_t first, std::size_t last, std::span<const float> inputs);

std::vector<float> encode(Network &network, std::span<const float> images);
std::vector<float> decode(Network &network, std::span<const float> codes);
std::vector<float> reconstruct(Network &network, std::span<const float> images);

/// The mean of (a - b)² over all elements.
double mean_squared_error(std::span<const float> a, std::span<const float> b);

/// Calls `visit` with those images and their reconstructions, some at a time, so that memory stays flat.
void reconstruct_each(Network &network, const Dataset &dataset, std::span<const std::uint32_t> indices,
                      const std::function<void(std::span<const float> images, std::span<const float> outputs)> &visit);

/// The mean squared error of those images' reconstructions.
double reconstruction_error(Network &network, const Dataset &dataset, std::span<const std::uint32_t> indices);

/// The loss on those images as Keras evaluates it: reconstruction_error() plus the L2 penalties. Throws Error.
double loss_on(Network &network, const Dataset &dataset, std::span<const std::uint32_t> indices);

}  // namespace castnet

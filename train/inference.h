// A model on whole sets of images.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "runtime/autoencoder.h"
#include "train/data/dataset.h"

namespace castnet {

// The codes or images that the model makes of all images or codes. Each throws Error.

std::vector<float> encode(Autoencoder &model, std::span<const float> images);
std::vector<float> decode(Autoencoder &model, std::span<const float> codes);
std::vector<float> reconstruct(Autoencoder &model, std::span<const float> images);

/// The mean of (a - b)² over all elements.
double mean_squared_error(std::span<const float> a, std::span<const float> b);

/// Calls `visit` with those images and their reconstructions, some at a time, so that memory stays flat.
void reconstruct_each(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices,
                      const std::function<void(std::span<const float> images, std::span<const float> outputs)> &visit);

/// The mean squared error of those images' reconstructions.
double reconstruction_error(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices);

/// The loss on those images as Keras evaluates it: reconstruction_error() plus the L2 penalties. Throws Error.
double loss_on(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices);

}  // namespace castnet

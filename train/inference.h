// Runs a model on whole sets of images.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "runtime/autoencoder.h"
#include "train/data/dataset.h"

namespace castnet {

// Each runs the model on any number of images or codes, and returns all outputs. Each throws Error.

std::vector<float> encode(Autoencoder &model, std::span<const float> images);
std::vector<float> decode(Autoencoder &model, std::span<const float> codes);
std::vector<float> reconstruct(Autoencoder &model, std::span<const float> images);

/// Returns the mean of (a - b)² over all elements.
double mean_squared_error(std::span<const float> a, std::span<const float> b);

/// Calls visit() with the images at `indices` and their reconstructions, some at a time, so that memory stays flat. Throws Error.
void reconstruct_each(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices,
                      const std::function<void(std::span<const float> images, std::span<const float> outputs)> &visit);

/// Returns the mean squared error of the reconstructions of the images at `indices`. Throws Error.
double reconstruction_error(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices);

/// Returns the loss on the images at `indices` as Keras evaluates it: reconstruction_error() plus the L2 penalties. Throws Error.
double loss_on(Autoencoder &model, const Dataset &dataset, std::span<const std::uint32_t> indices);

}  // namespace castnet

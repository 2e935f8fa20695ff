// Runs a model on whole sets of images.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "runtime/autoencoder.h"
#include "train/data/pairs.h"

namespace castnet {

// Each runs the model on any number of images or codes, and returns all outputs. Each throws Error.

std::vector<float> encode(Autoencoder &model, std::span<const float> images);
std::vector<float> decode(Autoencoder &model, std::span<const float> codes);
std::vector<float> reconstruct(Autoencoder &model, std::span<const float> images);

/// Returns the network's loss of each of the pairs at `indices`, without penalties. Throws Error.
std::vector<double> losses(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices);

/// Returns the errors of the pixels of the pairs at `indices`, grid by grid: the mean of |output - target| over a pixel's channels. Throws
/// Error.
std::vector<float> pixel_errors(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices);

/// Returns the largest of all pixels' errors. Throws Error.
float largest_pixel_error(Autoencoder &model, const Pairs &pairs);

/// Returns the mean of the losses of the pairs at `indices`. Throws Error.
double mean_loss(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices);

/// Returns the loss's name in words: "mean squared error".
std::string loss_name(const NetworkDescription &description);

/// Returns the loss on the pairs at `indices` as Keras evaluates it: mean_loss() plus the L2 penalties. Throws Error.
double loss_on(Autoencoder &model, const Pairs &pairs, std::span<const std::uint32_t> indices, Ranks *ranks = nullptr);

}  // namespace castnet

// A network's weights as files, under Keras's names and in Keras's layouts.
#pragma once

#include <filesystem>

#include "runtime/network.h"
#include "runtime/optimizer.h"
#include "runtime/random.h"
#include "runtime/safetensors.h"

namespace castnet {

/// The network's weights, named LAYER/kernel and LAYER/bias; __metadata__ holds the network's name and its layer texts.
TensorFile weights_of(Network &network);

/// The network's gradients, named as their weights.
TensorFile gradients_of(Network &network);

/// Sets the network's weights from a model or a checkpoint. Throws Error, before anything is set, if the file is not one of this network.
void load_model(Network &network, const std::filesystem::path &path);

/// Writes all that a run needs to go on: the weights, Adam's moments (adam/m/…, adam/v/…), and in __metadata__ the step, the epoch and the
/// random generator's state. Throws Error.
void save_checkpoint(Network &network, const Adam &adam, const Random &random, int epoch, const std::filesystem::path &path);

}  // namespace castnet

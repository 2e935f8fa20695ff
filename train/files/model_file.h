// A network's weights as files, under Keras's names and in Keras's layouts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "runtime/autoencoder.h"
#include "train/data/data_identity.h"
#include "train/files/safetensors.h"

namespace castnet {

/// The model's weights, named LAYER/kernel and LAYER/bias; __metadata__ holds architecture_of() its network.
TensorFile weights_of(Autoencoder &model);

/// Sets the model's weights to those that weights_of() gave; the optimizer stays as it is.
void restore_weights(Autoencoder &model, const TensorFile &weights);

/// The model's gradients, named as their weights.
TensorFile gradients_of(Autoencoder &model);

/// Writes the weights with a small self-test: an image (self_test/input) and what the network makes of it (self_test/output). Throws Error.
void save_model(Autoencoder &model, const std::filesystem::path &path);

/// Sets the model's weights to those of a file, a checkpoint too, and begins the optimizer anew. Throws Error if the file tells of a
/// network that computes something else, or if this build does not make of its self-test what the one did that wrote it; then the model is
/// as it was.
void load_model(Autoencoder &model, const std::filesystem::path &path);

/// Where a run stands, beside its weights and Adam's moments.
struct TrainingState {
    int epoch = 0;              ///< of epochs that are done
    std::size_t image = 0;      ///< of images of the next epoch that are done
    double weighted_loss = 0;   ///< the sum of their losses
    std::uint64_t shuffle = 0;  ///< the random generator's state before that epoch's order was drawn
    int best_epoch = 0;         ///< with the lowest validation loss; 0 before there is one
    double best_loss = 0;
    TensorFile best_weights;                     ///< after that epoch; empty where nobody asked to keep them
    std::map<std::string, std::string> options;  ///< of the run, by their names
    std::optional<DataIdentity> data;            ///< that it is trained on; none in a checkpoint of an earlier version
};

/// Writes all that a run needs to go on: the weights, Adam's moments (adam/m/…, adam/v/…), the best weights (best/…), and in __metadata__
/// the step, the state, the options and the data's identity. Throws Error.
void save_checkpoint(Autoencoder &model, const TrainingState &state, const std::filesystem::path &path);

/// The state and the options that a checkpoint holds, without its tensors being put anywhere. Throws Error, also if the checkpoint tells of
/// another network, or of one that is trained otherwise.
TrainingState read_state(const NetworkDescription &description, const std::filesystem::path &path);

/// Sets the weights, the moments and the step to those of a checkpoint, and returns its state. Throws Error as read_state() does, before
/// anything is set.
TrainingState load_checkpoint(Autoencoder &model, const std::filesystem::path &path);

}  // namespace castnet

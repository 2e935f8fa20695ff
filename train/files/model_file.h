// Saves and loads a network's weights, under Keras's names and in Keras's layouts.
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

/// Returns the model's weights, named LAYER/kernel and LAYER/bias; __metadata__ holds architecture_of() its network.
TensorFile weights_of(Autoencoder &model);

/// Sets the model's weights to a result of weights_of(). The optimizer stays as it is. Throws Error.
void restore_weights(Autoencoder &model, const TensorFile &weights);

/// Returns the model's gradients, named like the weights.
TensorFile gradients_of(Autoencoder &model);

/// Writes the weights with a small self-test: an image (self_test/input) and its reconstruction (self_test/output). Throws Error.
void save_model(Autoencoder &model, const std::filesystem::path &path);

/// Loads the weights of a model or a checkpoint, and begins the optimizer anew. Throws Error if the file's network computes something else,
/// or if this build does not reproduce the file's self-test; the model is then as it was.
void load_model(Autoencoder &model, const std::filesystem::path &path);

/// The state of a run, besides its weights and the optimizer's moments.
struct TrainingState {
    int epoch = 0;              ///< epochs done
    std::size_t image = 0;      ///< images done of the next epoch
    double weighted_loss = 0;   ///< the sum of their losses
    std::uint64_t shuffle = 0;  ///< the random generator's state before that epoch's order was drawn
    int best_epoch = 0;         ///< the epoch with the lowest validation loss; 0: none yet
    double best_loss = 0;
    TensorFile best_weights;                     ///< after that epoch; empty unless asked for
    std::map<std::string, std::string> options;  ///< of the run, by name
    std::optional<DataIdentity> data;            ///< the training data; none in a checkpoint of an earlier version
    std::optional<DataIdentity> targets;         ///< none if the images were their own
    std::string level;                           ///< of the target that the last steps ran on; empty in one of an earlier version
};

/// Writes all that resuming a run needs: the weights, the optimizer's moments (adam/m/… and adam/v/…, or sgd/v/…), the best weights
/// (best/…), and in __metadata__ the step, the state, the options, which tell the optimizer, the data's identity and the level. Throws
/// Error.
void save_checkpoint(Autoencoder &model, const TrainingState &state, const std::filesystem::path &path);

/// Reads the state and the options of a checkpoint, without loading it into a model. Throws Error, also if the checkpoint is of another
/// network, or of one that is trained differently.
TrainingState read_state(const NetworkDescription &description, const std::filesystem::path &path);

/// Loads the weights, the moments and the step of a checkpoint, and returns its state. Throws Error as read_state() does, before it sets
/// anything.
TrainingState load_checkpoint(Autoencoder &model, const std::filesystem::path &path);

}  // namespace castnet

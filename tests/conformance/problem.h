// One configuration of a conformance run: a layer, a pass and a schedule. It can be written as one line of text, as in oneDNN's benchdnn,
// so that a failure can be run again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/layer.h"

namespace castnet::test {

/// The passes of a layer, and the identity ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ = ⟨w, ∂w⟩ between them.
enum class Pass { forward, backward_data, backward_weights, adjoint };

inline const std::vector<std::string> pass_names{"forward", "backward_data", "backward_weights", "adjoint"};
inline const std::vector<std::string> activation_names{"linear", "relu", "leaky_relu", "leaky_relu(0.5)", "elu",  "elu(0.5)",
                                                       "gelu",   "silu", "softplus",   "sigmoid",         "tanh", "softmax"};

struct Problem {
    Layer layer;  // in backward_data, its activation is the previous layer's
    int images = 1;
    bool decays = false;               // backward_weights: adds the gradient of an L2 penalty
    std::string schedule = "default";  // or random:SEED from the autotuner's space, or PARAM=VALUE,PARAM=VALUE…
    Pass pass = Pass::forward;

    /// Returns a statement of the network language, with the input's shape as second word, then the keys above: "conv2d_transpose 9x7x3
    /// filters=5 kernel=3x2 stride=1x2 padding=1,0,0,1 output=10x13 activation=relu images=3 decays=false schedule=default pass=forward".
    /// A conv2d with upsampled=2x3 takes in the upsample that made its input.
    std::string text() const;

    /// Parses such a text. Missing keys have the values above. Throws std::runtime_error if a word has no meaning or the network
    /// language refuses the layer.
    static Problem parse(const std::string &text);

    /// Returns the problem on the grids that its changed layer makes, or none if the network language refuses it.
    std::optional<Problem> placed() const;

    /// Counts the products of the bilinear map, including those with padding.
    double products() const { return double(images) * double(layer.description().multiply_adds()); }

    bool operator==(const Problem &other) const { return text() == other.text(); }
};

/// Returns the parts of `text` between separators.
std::vector<std::string> split(const std::string &text, char separator);

}  // namespace castnet::test

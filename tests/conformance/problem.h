// One configuration of a conformance run: a layer, a pass and a schedule. It is one line of text, as a problem of oneDNN's benchdnn is, so
// that a failure can be run again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/layer.h"

namespace castnet::test {

/// The passes of a layer, and the identity ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ = ⟨w, ∂w⟩ between them.
enum class Pass { forward, backward_data, backward_weights, adjoint };

inline const std::vector<std::string> pass_names{"forward", "backward_data", "backward_weights", "adjoint"};
inline const std::vector<std::string> activation_names{"linear", "relu", "sigmoid", "tanh", "softmax"};

struct Problem {
    Layer layer;  // its activation is the layer's own in a forward pass, and the previous layer's in backward_data
    int images = 1;
    bool decays = false;               // backward_weights: adds the gradient of an L2 penalty
    std::string schedule = "default";  // or random:SEED, any of the autotuner's space; or PARAM=VALUE,PARAM=VALUE…
    Pass pass = Pass::forward;

    /// A statement of the network language with the input's shape as its second word, then the keys above: "conv2d_transpose 9x7x3
    /// filters=5 kernel=3x2 stride=1x2 padding=1,0,0,1 output=10x13 activation=relu images=3 decays=false schedule=default pass=forward"
    std::string text() const;

    /// The problem of such a text. Keys that are left out have the values above; throws std::runtime_error where a word has no meaning,
    /// and where the network language refuses the layer.
    static Problem parse(const std::string &text);

    /// The problem once its layer has been changed, on the grids that it makes now; none where the network language refuses it.
    std::optional<Problem> placed() const;

    /// Products of the bilinear map, those with zeros of the padding included.
    double products() const { return double(images) * double(layer.description().multiply_adds()); }

    bool operator==(const Problem &other) const { return text() == other.text(); }
};

/// The parts of `text` between separators.
std::vector<std::string> split(const std::string &text, char separator);

}  // namespace castnet::test

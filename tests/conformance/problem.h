// One configuration of a conformance run: a layer, a pass and a schedule. It is one line of text, as a problem of oneDNN's benchdnn is, so
// that a failure can be run again.
#pragma once

#include <string>
#include <vector>

#include "tests/conformance/layer.h"

namespace castnet::test {

/// The passes of a layer, and the identity ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ = ⟨w, ∂w⟩ between them.
enum class Pass { forward, backward_data, backward_weights, adjoint };

inline const std::vector<std::string> pass_names{"forward", "backward_data", "backward_weights", "adjoint"};
inline const std::vector<std::string> activation_names{"linear", "relu", "sigmoid", "tanh", "softmax"};

struct Problem {
    Layer layer;
    std::string activation = "linear";  // forward: the layer's; backward_data: the previous layer's
    int images = 1;
    bool decays = false;               // backward_weights: adds the gradient of an L2 penalty
    std::string schedule = "default";  // or random:SEED, any of the autotuner's space; or PARAM=VALUE,PARAM=VALUE…
    Pass pass = Pass::forward;

    /// "conv2d 9x7x3 filters=5 kernel=3x2 stride=1x2 padding=same activation=relu images=3 decays=false schedule=default pass=forward"
    std::string text() const;

    /// The problem of such a text. Keys that are left out have the values above; throws std::runtime_error where a word has no meaning.
    static Problem parse(const std::string &text);

    /// Products of the bilinear map, those with zeros of the padding included.
    double products() const;

    /// Whether the layer has an output, which a valid convolution lacks where its kernel is larger than its input.
    bool has_output() const { return layer.output().height > 0 && layer.output().width > 0; }

    bool operator==(const Problem &other) const { return text() == other.text(); }
};

/// The parts of `text` between separators.
std::vector<std::string> split(const std::string &text, char separator);

}  // namespace castnet::test

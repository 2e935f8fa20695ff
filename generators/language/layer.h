// A layer as written, and as it is once its input's shape is known.
#pragma once

#include <optional>
#include <string>

#include "generators/language/window.h"
#include "runtime/description.h"

namespace castnet {

/// One statement: a kind and its keys.
struct LayerStatement {
    int line = 0;      ///< in the text, from 1
    std::string text;  ///< its words, separated by one space
    LayerKind kind = LayerKind::conv2d;
    int filters = 0;              ///< channels of the output; of dense, its units; without weights, the input's
    Window y, x;                  ///< rows and columns; of dense, all of its input's; of a pool, its own; of upsample, the factors
    std::optional<Shape> output;  ///< output= of a conv2d_transpose: rows and columns; the channels mean nothing
    std::string activation = "linear";
    float l2 = 0;
    bool trainable = true;
    std::string interpolation = "nearest";  ///< of upsample
    float rate = 0;                         ///< of dropout
    std::string name;                       ///< empty if the statement gives none
};

/// A statement with its name and its grids.
struct Layer {
    LayerStatement statement;
    std::string name;
    Shape input, output;
    bool keeps_sums = false;               ///< its forward pipeline ends with the sums, from which another makes the output
    bool is_taken_in = false;              ///< an upsample that the next layer computes with its own map
    int upsampled_y = 1, upsampled_x = 1;  ///< of a conv2d that takes in the upsample before it: that one's factors
    std::string canonical;                 ///< canonical_text() of the rest

    /// Returns the layer for the runtime, without pipelines. Refers to this layer's strings.
    [[nodiscard]] LayerDescription description() const;
};

/// Returns the output's rows (or columns) for `input` of them: `wanted`, or the default if that is 0. Returns 0 if the layer cannot make
/// them.
int output_extent(LayerKind kind, const Window &window, int input, int wanted);

/// Places a statement on its input's grid, which dense's kernel covers. Throws Error, without file and line, if it does not fit.
Layer place(LayerStatement statement, const Shape &input);

/// Returns the layer's statement with every key in one order: two layers that compute the same from the same weights have the same text,
/// whatever words their padding was written in. `before` is the shape of what the layer reads, before it was reshaped.
std::string canonical_text(const Layer &layer, const Shape &before);

}  // namespace castnet

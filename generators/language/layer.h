// A layer as its statement says it, and as it is once its input's shape is known.
#pragma once

#include <optional>
#include <string>

#include "generators/language/window.h"
#include "runtime/description.h"

namespace castnet {

/// One statement: a kind and its keys.
struct LayerStatement {
    int line = 0;      ///< in the text, from 1
    std::string text;  ///< its words, one space between two
    LayerKind kind = LayerKind::conv2d;
    int filters = 0;
    Window y, x;                  ///< rows and columns
    std::optional<Shape> output;  ///< rows and columns that a conv2d_transpose shall make; its channels mean nothing
    std::string activation = "linear";
    float l2 = 0;
    std::string name;  ///< empty where the statement gives none
};

/// A statement with its name and its grids.
struct Layer {
    LayerStatement statement;
    std::string name;
    Shape input, output;
    std::string canonical;  ///< canonical_text() of the rest

    /// The same for the runtime, without pipelines. Refers to this layer's strings.
    [[nodiscard]] LayerDescription description() const;
};

/// Returns the rows, or columns, that a layer makes of `input` of them: `wanted`, or where that is 0 what it makes by itself. Returns 0
/// where it cannot.
int output_extent(LayerKind kind, const Window &window, int input, int wanted);

/// Returns the shape that the statement makes of `input`. Throws Error, without the statement's place, where the two do not fit.
Shape output_shape(const LayerStatement &statement, const Shape &input);

/// Returns the layer's statement with every key in one order: two layers that compute the same from the same weights have the same text,
/// whatever words their padding was written in.
std::string canonical_text(const Layer &layer);

}  // namespace castnet

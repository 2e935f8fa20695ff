// A network's text, read and checked: every layer with its shape and its name.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "generators/language/layer.h"

namespace castnet {

struct Architecture {
    std::string name;
    // Layers beside them may see the same numbers in another shape, after a reshape.
    Shape input, code;
    Shape output;  ///< the input's unless the text says otherwise
    std::vector<Layer> layers;
    std::size_t encoder_layers = 0;  ///< the number of layers up to the code
    std::string loss = "mean_squared_error";

    /// Returns the layers for the runtime, without pipelines. They refer to the architecture's strings.
    [[nodiscard]] std::vector<LayerDescription> descriptions() const;
    /// Returns the network of those layers, which must outlive it, for the runtime.
    [[nodiscard]] NetworkDescription description(std::span<const LayerDescription> descriptions) const;
};

/// Reads a network's text, which may come from anywhere. `file`, such as folder/NAME.castnet, gives the network its name and appears in
/// messages. Throws Error in the compilers' form, `FILE:LINE: error: what is wrong; what is allowed`, or `FILE: error: …` about the name.
Architecture read_architecture(const std::string &file, std::string_view text);

}  // namespace castnet

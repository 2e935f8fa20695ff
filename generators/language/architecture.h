// A network's text, read and checked: every layer with its shape and its name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "generators/language/layer.h"

namespace castnet {

struct Architecture {
    std::string name;
    Shape input;
    std::vector<Layer> layers;
    std::size_t encoder_layers = 0;  ///< the first ones, up to the code

    /// The layers for the runtime, without pipelines. They refer to the architecture's strings.
    [[nodiscard]] std::vector<LayerDescription> descriptions() const;
};

/// Reads the text of `file`, a name such as folder/NAME.castnet, of which messages and the network's name are made. The text may come from
/// anywhere. Throws Error in the compilers' form, `FILE:LINE: error: what is wrong; what is allowed`, or `FILE: error: …` of the name.
Architecture read_architecture(const std::string &file, std::string_view text);

}  // namespace castnet

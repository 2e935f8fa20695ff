// The network that a file's metadata describe, and how it differs from the one at hand.
#pragma once

#include <map>
#include <string>

#include "runtime/description.h"

namespace castnet {

using Metadata = std::map<std::string, std::string>;

/// Returns the network's name, its input's shape, the number of encoder layers, the loss, and the layers. Each layer is a line in the
/// network language with every key written out, so that equal layers have equal lines, however the user wrote them. Behind a reshape it
/// ends with the shape that the layer reads, as in from=4x4x64.
Metadata architecture_of(const NetworkDescription &description);

/// What a file is read for: its weights alone, whatever the network's name, loss and L2 penalties, or to resume its run.
enum class Use { weights, resume };

/// Describes how the metadata's network differs for that use, with the first layer that differs; "" if it does not. Skips what the metadata
/// lack: other programs write less.
std::string difference(const NetworkDescription &description, const Metadata &metadata, Use use);

}  // namespace castnet

// What a file's metadata tell of a network, and where that is another network than the one at hand.
#pragma once

#include <map>
#include <string>

#include "runtime/description.h"

namespace castnet {

using Metadata = std::map<std::string, std::string>;

/// The network's name, its input's shape, how many layers are the encoder, and the layers: a line each in the network language, with every
/// key written out, so that the lines of equal layers are equal, however they were written.
Metadata architecture_of(const NetworkDescription &description);

/// What a file is read for: its weights alone, which the network's name and L2 penalties do not change; or to go on with its run.
enum class Use { weights, resume };

/// What makes the metadata's network another one for that use, in words, the first layer that differs among them; "" where nothing does.
/// What the metadata do not tell, as those of other programs, is not compared.
std::string difference(const NetworkDescription &description, const Metadata &metadata, Use use);

}  // namespace castnet

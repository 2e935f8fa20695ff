// Lets a convolution take in the upsampling before it, where the two compute less as one map.
#pragma once

#include "generators/language/architecture.h"

namespace castnet {

/// Lets the layer take in the upsample before it: see LayerDescription::geometry(). Returns false, and changes nothing, unless the layer is
/// a conv2d that computes less so.
bool take_in(Layer &layer, Layer &upsample);

/// Lets every conv2d take in the upsample before it, where it can. An upsample that makes the code stays a layer of its own, and so does a
/// network's first layer.
void fuse_upsampling(Architecture &architecture);

}  // namespace castnet

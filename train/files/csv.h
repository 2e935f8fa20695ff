// Fields of CSV files.
#pragma once

#include <string>

#include "train/data/dataset.h"

namespace castnet {

/// Formats the text as a field: in quotes if RFC 4180 asks for them.
std::string csv_field(const std::string &text);

/// Returns the name of the image's label as a field, an empty one without labels.
std::string csv_label(const Dataset &dataset, std::size_t image);

}  // namespace castnet

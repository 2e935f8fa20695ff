// Fields of CSV files.
#pragma once

#include <string>

#include "train/data/dataset.h"

namespace castnet {

/// The text as a field: in quotes where RFC 4180 asks for them.
std::string csv_field(const std::string &text);

/// What the image's label is called, as a field; an empty one where there are no labels.
std::string csv_label(const Dataset &dataset, std::size_t image);

}  // namespace castnet

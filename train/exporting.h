// Exports a trained network: as an ONNX graph, or as a C++ header for devices without files.
#pragma once

#include <filesystem>

#include "runtime/autoencoder.h"

namespace castnet {

/// Writes a header with the weights as an array NETWORK::weights, in the order that Autoencoder::load() takes. Throws Error.
void export_header(Autoencoder &model, const std::filesystem::path &file);

/// Writes layers first … last - 1 as a graph from (n, h, w, c) to (n, h, w, c), using ONNX's own Python library. Throws Error.
void export_onnx(Autoencoder &model, std::size_t first, std::size_t last, const std::filesystem::path &file);

}  // namespace castnet

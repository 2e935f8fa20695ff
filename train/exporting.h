// A trained network for others: as an ONNX graph, or as a C++ header for devices without files.
#pragma once

#include <filesystem>

#include "runtime/autoencoder.h"

namespace castnet {

/// A header that holds the weights as an array NETWORK::weights, in the order in which Autoencoder::load() takes them. Throws Error.
void export_header(Autoencoder &model, const std::filesystem::path &file);

/// Layers first … last - 1 as a graph from (n, h, w, c) to (n, h, w, c), written by ONNX's own library for Python. Throws Error.
void export_onnx(Autoencoder &model, std::size_t first, std::size_t last, const std::filesystem::path &file);

}  // namespace castnet

// Shared by the fuzzers of plain and compressed IDX files.
#pragma once

#include "tests/fuzz/fuzz.h"
#include "train/data/idx.h"
#include "train/data/idx_folder.h"

namespace castnet::fuzz {

template <typename Element>
std::vector<Element> read_elements(const Path &path) {
    IdxReader file(path);
    std::vector<Element> elements, part;
    while (elements.size() < std::min<std::size_t>(file.size(), 1U << 20U)) {
        part.resize(std::min<std::size_t>(file.size() - elements.size(), 4096));
        file.read(std::span<Element>(part));
        elements.insert(elements.end(), part.begin(), part.end());
    }
    if (elements.size() == file.size()) file.finish();
    return elements;
}

/// Reads the file alone, and as both the images and the labels of a folder.
inline void check_idx(Bytes bytes) {
    const Path path = input_file(bytes, "train-images-idx3-ubyte");
    bool holds_bytes = false;
    const bool is_read = reads(bytes.size(), [&] {
        holds_bytes = IdxReader(path).holds_bytes();
        (void)read_elements<float>(path);
    });
    if (is_read && holds_bytes) {
        const std::vector<float> floats = read_elements<float>(path);
        const std::vector<std::uint8_t> whole = read_elements<std::uint8_t>(path);
        require(std::equal(floats.begin(), floats.end(), whole.begin(), whole.end()), "bytes differ from floats");
    }
    const auto read_folder = [&] { (void)read_idx_folder(folder(), Part::train, {.height = 2, .width = 3, .channels = 1}, {1, 5}); };
    reads(bytes.size(), read_folder);
    if (is_idx_file(path)) reads(bytes.size(), [&] { (void)read_idx_file(path, {.height = 2, .width = 3, .channels = 1}); });
    const Path labels = input_file(bytes, "train-labels-idx1-ubyte");
    reads(2 * bytes.size(), read_folder);
    std::filesystem::remove(labels);
}

}  // namespace castnet::fuzz

// Identifies the data that a run is trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "train/data/dataset.h"

namespace castnet {

struct DataIdentity {
    std::string path;            ///< absolute; where the data was
    std::size_t images = 0;      ///< how many were chosen from it
    std::uint32_t checksum = 0;  ///< CRC-32 of these images, or of some that stand for all where they are mapped, and of their labels

    bool operator==(const DataIdentity &) const = default;

    /// Returns whether the images and labels are the same, wherever they lie. The checksum guards against mistakes, not against attacks:
    /// one in 2^32 mix-ups or changes passes.
    [[nodiscard]] bool has_same_images(const DataIdentity &other) const { return images == other.images && checksum == other.checksum; }
};

DataIdentity identity_of(const Dataset &dataset, const std::filesystem::path &path);

/// Returns "65 images from /data (CRC-32 1a2b3c4d)".
std::string to_string(const DataIdentity &data);

}  // namespace castnet

// Which data a run is trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "train/data/dataset.h"

namespace castnet {

struct DataIdentity {
    std::string path;            ///< absolute; where the data was
    std::size_t images = 0;      ///< that were chosen of it
    std::uint32_t checksum = 0;  ///< CRC-32 of these images and their labels

    bool operator==(const DataIdentity &) const = default;

    /// Whether the images and labels are the same, wherever they are. The checksum guards against mistakes, not against attacks: of data
    /// that was mixed up or changed, one in 2^32 passes.
    [[nodiscard]] bool has_same_images(const DataIdentity &other) const { return images == other.images && checksum == other.checksum; }
};

DataIdentity identity_of(const Dataset &dataset, const std::filesystem::path &path);

/// "65 images from /data (CRC-32 1a2b3c4d)".
std::string to_string(const DataIdentity &data);

}  // namespace castnet

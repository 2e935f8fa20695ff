// Images as points of the latent plane, and the areas of it that are worth showing.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "train/report/principal_axes.h"

namespace castnet {

using Position = PrincipalPlane::Position;

/// An upright rectangle of the plane.
struct Area {
    Position low, high;

    [[nodiscard]] bool contains(const Position &position) const {
        return low.x <= position.x && position.x <= high.x && low.y <= position.y && position.y <= high.y;
    }
};

/// Images in the latent plane.
struct LatentPoints {
    std::vector<Position> positions;
    std::vector<int> labels;               ///< one per position, or none
    std::vector<std::string> class_names;  ///< as of a Dataset
    bool projected = false;                ///< whether the axes are principal components
};

/// Projects codes onto their plane.
LatentPoints latent_points(const PrincipalPlane &plane, std::span<const float> codes, std::vector<int> labels,
                           std::vector<std::string> class_names);

/// Returns the area that holds all but the outermost `part` of the positions on each side.
Area middle_of(const std::vector<Position> &positions, double part);

/// Returns a square that holds `marked` and all positions, except those so far out that they would squeeze the others.
Area view_of(const std::vector<Position> &positions, const std::optional<Position> &marked);

}  // namespace castnet

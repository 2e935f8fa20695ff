// Images as points of the latent plane, and the parts of it that are worth a look.
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
    std::vector<int> labels;               ///< one for each, or none
    std::vector<std::string> class_names;  ///< as of a Dataset
    bool projected = false;                ///< whether the axes are principal components
};

/// Of codes in their plane.
LatentPoints latent_points(const PrincipalPlane &plane, std::span<const float> codes, std::vector<int> labels,
                           std::vector<std::string> class_names);

/// The area that holds all but the outermost `part` of the positions on each side.
Area middle_of(const std::vector<Position> &positions, double part);

/// A square with all positions but those so far out that they would squeeze the others; `marked` lies in it in any case.
Area view_of(const std::vector<Position> &positions, const std::optional<Position> &marked);

}  // namespace castnet

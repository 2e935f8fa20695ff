// The plane in which points of any dimension spread most: the first two principal components (Pearson 1901).
#pragma once

#include <span>
#include <vector>

namespace castnet {

/// The plane through the points' mean, along their two largest principal components. Points of two dimensions keep their own plane.
class PrincipalPlane {
public:
    /// `points` are rows of `dimension` floats. In one dimension, the second axis has no extent.
    PrincipalPlane(std::span<const float> points, std::size_t dimension);

    struct Position {
        double x = 0, y = 0;
    };
    [[nodiscard]] Position project(std::span<const float> point) const;
    [[nodiscard]] std::vector<float> at(const Position &position) const;
    [[nodiscard]] std::size_t dimension() const { return dimension_; }
    /// Returns whether the axes are principal components, not the points' own coordinates.
    [[nodiscard]] bool is_projection() const { return dimension_ != 2; }

private:
    std::size_t dimension_;
    std::vector<double> mean_;
    std::vector<double> axes_[2];  // unit vectors
};

}  // namespace castnet

#include "train/report/principal_axes.h"

#include <cmath>
#include <numeric>

namespace castnet {
namespace {

using Vector = std::vector<double>;

double dot(const Vector &a, const Vector &b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// Scales the vector to length 1. Returns false if it is zero up to rounding.
bool normalize(Vector &v) {
    const double length = std::sqrt(dot(v, v));
    if (length < 1e-12) return false;
    for (double &value : v) value /= length;
    return true;
}

/// Returns Σ (p·axis) p over the centred points: the covariance matrix times the axis, without forming the matrix.
Vector times_covariance(const std::vector<Vector> &points, const Vector &axis) {
    Vector result(axis.size());
    for (const Vector &point : points) {
        const double along = dot(point, axis);
        for (std::size_t d = 0; d < axis.size(); d++) result[d] += along * point[d];
    }
    return result;
}

/// Finds the direction of the largest variance by power iteration.
Vector largest_component(const std::vector<Vector> &points, std::size_t dimension) {
    Vector axis(dimension);
    for (std::size_t d = 0; d < dimension; d++) axis[d] = 1.0 + 0.1 * static_cast<double>(d % 7);  // along no coordinate
    normalize(axis);
    for (int iteration = 0; iteration < 200; iteration++) {
        Vector next = times_covariance(points, axis);
        if (!normalize(next)) return Vector(dimension);
        axis = std::move(next);
    }
    return axis;
}

}  // namespace

PrincipalPlane::PrincipalPlane(std::span<const float> points, std::size_t dimension) : dimension_(dimension), mean_(dimension) {
    if (!is_projection()) {
        axes_[0] = {1, 0};
        axes_[1] = {0, 1};
        return;
    }
    const std::size_t count = points.size() / dimension;
    std::vector<Vector> centred(count);
    for (std::size_t i = 0; i < count; i++) {
        const auto point = points.subspan(i * dimension, dimension);
        centred[i].assign(point.begin(), point.end());
        for (std::size_t d = 0; d < dimension; d++) mean_[d] += centred[i][d] / static_cast<double>(count);
    }
    for (Vector &point : centred) {
        for (std::size_t d = 0; d < dimension; d++) point[d] -= mean_[d];
    }
    for (Vector &axis : axes_) {
        axis = largest_component(centred, dimension);
        for (Vector &point : centred) {
            const double along = dot(point, axis);
            for (std::size_t d = 0; d < dimension; d++) point[d] -= along * axis[d];
        }
    }
}

PrincipalPlane::Position PrincipalPlane::project(std::span<const float> point) const {
    Vector centred(point.begin(), point.end());
    for (std::size_t d = 0; d < dimension_; d++) centred[d] -= mean_[d];
    return {dot(centred, axes_[0]), dot(centred, axes_[1])};
}

std::vector<float> PrincipalPlane::at(const Position &position) const {
    std::vector<float> point(dimension_);
    for (std::size_t d = 0; d < dimension_; d++)
        point[d] = static_cast<float>(mean_[d] + position.x * axes_[0][d] + position.y * axes_[1][d]);
    return point;
}

}  // namespace castnet

#include "train/report/latent_plane.h"

#include <algorithm>

namespace castnet {
namespace {

struct Range {
    double low = 0, high = 0;
    [[nodiscard]] double extent() const { return high - low; }
};

Range middle_of(const std::vector<Position> &positions, double Position::*coordinate, double part) {
    std::vector<double> values;
    values.reserve(positions.size());
    for (const Position &position : positions) values.push_back(position.*coordinate);
    std::ranges::sort(values);
    const auto outer = static_cast<std::size_t>(part * static_cast<double>(values.size()));
    return {values[outer], values[values.size() - 1 - outer]};
}

/// Returns the range of the positions. It extends beyond their middle 96 % by at most the width of these on each side.
Range visible(const std::vector<Position> &positions, double Position::*coordinate) {
    const Range all = middle_of(positions, coordinate, 0), most = middle_of(positions, coordinate, 0.02);
    if (most.extent() == 0) return all;
    return {std::max(all.low, most.low - most.extent()), std::min(all.high, most.high + most.extent())};
}

}  // namespace

LatentPoints latent_points(const PrincipalPlane &plane, std::span<const float> codes, std::vector<int> labels,
                           std::vector<std::string> class_names) {
    LatentPoints points{
        .positions = {}, .labels = std::move(labels), .class_names = std::move(class_names), .projected = plane.is_projection()};
    for (std::size_t begin = 0; begin < codes.size(); begin += plane.dimension())
        points.positions.push_back(plane.project(codes.subspan(begin, plane.dimension())));
    return points;
}

Area middle_of(const std::vector<Position> &positions, double part) {
    const Range x = middle_of(positions, &Position::x, part), y = middle_of(positions, &Position::y, part);
    return {.low = {x.low, y.low}, .high = {x.high, y.high}};
}

Area view_of(const std::vector<Position> &positions, const std::optional<Position> &marked) {
    Range x = visible(positions, &Position::x), y = visible(positions, &Position::y);
    if (marked) {
        x = {std::min(x.low, marked->x), std::max(x.high, marked->x)};
        y = {std::min(y.low, marked->y), std::max(y.high, marked->y)};
    }
    const double extent = std::max(x.extent(), y.extent()), half = extent > 0 ? 0.55 * extent : 1.0;  // a margin around them
    const Position centre{(x.low + x.high) / 2, (y.low + y.high) / 2};
    return {.low = {centre.x - half, centre.y - half}, .high = {centre.x + half, centre.y + half}};
}

}  // namespace castnet

// Pictures, drawn by gnuplot.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "runtime/description.h"
#include "train/principal_axes.h"

namespace castnet {

/// Images in the latent plane.
struct LatentPoints {
    std::vector<PrincipalPlane::Position> positions;
    std::vector<int> labels;  ///< one for each, or none
    bool projected = false;   ///< whether the axes are principal components
};

/// Of codes in their plane.
LatentPoints latent_points(const PrincipalPlane &plane, std::span<const float> codes, std::vector<int> labels);

/// A point of a ROC curve.
struct Rates {
    double false_alarms = 0, detected = 0;
};

/// Images side by side, values in [0, 1]: one channel is grey, three are red, green and blue, of others the first is shown.
struct Mosaic {
    Shape shape;
    std::vector<float> images;
    int columns = 1;
};

/// At most `most` of the images in a row, above what the network makes of them.
Mosaic above_reconstructions(const Shape &shape, std::span<const float> images, std::span<const float> outputs, std::size_t most);

/// Whether gnuplot is there.
bool can_draw();

// Each draws a file, a PNG where its name ends so and an SVG otherwise, and throws Error where that fails.

/// The columns loss and val_loss of a history.csv.
void draw_loss(const std::filesystem::path &file, const std::filesystem::path &history);
void draw_mosaic(const std::filesystem::path &file, const Mosaic &images, const std::string &title);
void draw_latent(const std::filesystem::path &file, const LatentPoints &points);
/// The latent plane with `chosen` marked, the image decoded there, and images decoded on a grid of the plane from `low` to `high`.
void draw_generated(const std::filesystem::path &file, const LatentPoints &points, const PrincipalPlane::Position &chosen,
                    const Mosaic &image, const Mosaic &grid, const PrincipalPlane::Position &low, const PrincipalPlane::Position &high);
/// Detected anomalies against false alarms, from (0, 0) to (1, 1).
void draw_roc(const std::filesystem::path &file, const std::vector<Rates> &curve, double area);
/// Of the scores of normal and other images, with the threshold between them; without others, of all images.
void draw_histogram(const std::filesystem::path &file, const std::vector<double> &normal, const std::vector<double> &anomalous,
                    double threshold);

}  // namespace castnet

// The pictures of runs and models.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "runtime/description.h"
#include "train/history.h"
#include "train/report/gnuplot.h"
#include "train/report/latent_plane.h"

namespace castnet {

/// A point of a ROC curve.
struct Rates {
    double false_alarms = 0, detected = 0;
};

/// Images side by side, values in [0, 1]: one channel is grey, three are red, green and blue, of others the first is shown.
struct Mosaic {
    Shape shape;
    std::vector<float> images;
    int columns = 1;
    // One for each, or none; of one or more lines.
    std::vector<std::string> row_names = {}, column_names = {};
};

/// At most `most` of the images in a row, above what the network makes of them.
Mosaic above_reconstructions(const Shape &shape, std::span<const float> images, std::span<const float> outputs, std::size_t most);

/// "(0.5, -2)"; of a code that would take more characters the beginning, as "(0.5, …)".
std::string code_text(std::span<const float> code, std::size_t most);

/// What a decoder makes of the plane.
struct DecodedPlane {
    std::vector<float> code;  ///< the chosen one
    Position chosen;          ///< where it lies in the plane
    Mosaic image;             ///< decoded from it
    Area area;
    Mosaic grid;  ///< decoded from positions across the area, its corners included; the highest first
};

// Each draws a file, a PNG where its name ends so and an SVG otherwise, and throws Error where that fails.

void draw_loss(const std::filesystem::path &file, const std::vector<Epoch> &epochs);
void draw_mosaic(const std::filesystem::path &file, const Mosaic &mosaic, const std::string &title);
/// Decoded images with their codes, one after the other, below them.
void draw_codes(const std::filesystem::path &file, const Mosaic &images, std::span<const float> codes);
void draw_latent(const std::filesystem::path &file, const LatentPoints &points);
/// The latent plane with the chosen position marked, the image decoded there, and below them the grid.
void draw_decoded(const std::filesystem::path &file, const LatentPoints &points, const DecodedPlane &decoded);
/// Detected anomalies against false alarms, from (0, 0) to (1, 1).
void draw_roc(const std::filesystem::path &file, const std::vector<Rates> &curve, double area);
/// Of the scores of normal and other images, with the threshold between them; without others, of all images.
void draw_histogram(const std::filesystem::path &file, const std::vector<double> &normal, const std::vector<double> &anomalous,
                    double threshold);

}  // namespace castnet

// The pictures of runs and models.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "runtime/description.h"
#include "train/data/pairs.h"
#include "train/history.h"
#include "train/report/gnuplot.h"
#include "train/report/latent_plane.h"

namespace castnet {

/// A point of a ROC curve.
struct Rates {
    double false_alarms = 0, detected = 0;
};

/// Images side by side, with values in [0, 1]. One channel is grey, three are RGB; of any other number, the first is shown.
struct Mosaic {
    Shape shape;
    std::vector<float> images;
    int columns = 1;
    // One per row or column, or none; of one or more lines.
    std::vector<std::string> row_names = {}, column_names = {};
};

/// Puts what a network sees of the pairs at `indices` in a row, above its outputs, and these above the targets if they are not what it
/// sees. All have the size of the largest, and are in colour if one of them is. `outputs`: those of the first indices, or more, of that
/// shape.
Mosaic comparison(const Pairs &pairs, std::span<const std::uint32_t> indices, const Shape &output, std::span<const float> outputs);

/// Adds a named row of images of another shape, in the mosaic's extents and colours. It must have as many as the other rows.
void add_row(Mosaic &mosaic, const std::string &name, const Shape &shape, std::span<const float> images);

/// Formats a code as "(0.5, -2)", or its beginning as "(0.5, …)" if it would take more than `most` characters.
std::string code_text(std::span<const float> code, std::size_t most);

/// Images decoded from the latent plane.
struct DecodedPlane {
    std::vector<float> code;  ///< the chosen one
    Position chosen;          ///< where it lies in the plane
    Mosaic image;             ///< decoded from it
    Area area;
    Mosaic grid;  ///< decoded from positions across the area, its corners included; the highest row first
};

// Each draws a file: a PNG if its name ends in .png, otherwise an SVG. Each throws Error.

void draw_loss(const std::filesystem::path &file, const std::vector<Epoch> &epochs);
void draw_mosaic(const std::filesystem::path &file, const Mosaic &mosaic, const std::string &title);
/// Draws decoded images, each above its code; `codes` holds one after the other.
void draw_codes(const std::filesystem::path &file, const Mosaic &images, std::span<const float> codes);
void draw_latent(const std::filesystem::path &file, const LatentPoints &points);
/// Draws the latent plane with the chosen position marked, the image decoded there, and below them the grid.
void draw_decoded(const std::filesystem::path &file, const LatentPoints &points, const DecodedPlane &decoded);
/// Draws detected anomalies over false alarms, from (0, 0) to (1, 1).
void draw_roc(const std::filesystem::path &file, const std::vector<Rates> &curve, double area);
/// Draws a histogram of the scores of normal and other images, with the threshold, over an axis with the loss's name. Without others,
/// `normal` holds all images.
void draw_histogram(const std::filesystem::path &file, const std::vector<double> &normal, const std::vector<double> &anomalous,
                    double threshold, const std::string &loss);

}  // namespace castnet

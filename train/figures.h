// The pictures of a run, drawn by gnuplot into SVG files.
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

class Figures {
public:
    explicit Figures(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Whether gnuplot is there.
    static bool available();

    // Each throws Error where gnuplot fails.
    void loss(const std::filesystem::path &history) const;
    /// Images above what the network makes of them.
    void reconstruction(const Mosaic &images) const;
    void latent(const LatentPoints &points) const;
    /// The latent plane with `chosen` marked, the image decoded there, and images decoded on a grid of the plane from `low` to `high`.
    void generated(const LatentPoints &points, const PrincipalPlane::Position &chosen, const Mosaic &image, const Mosaic &grid,
                   const PrincipalPlane::Position &low, const PrincipalPlane::Position &high) const;

    /// Detected anomalies against false alarms, from (0, 0) to (1, 1).
    void roc(const std::vector<Rates> &curve, double area) const;
    /// Of the scores of normal and other images, with the threshold between them.
    void histogram(const std::vector<double> &normal, const std::vector<double> &anomalous, double threshold) const;
    /// The most surprising images above what the network makes of them.
    void surprising(const Mosaic &images) const;

private:
    void draw(const std::string &name, const std::string &size, const std::string &script) const;

    std::filesystem::path folder_;
};

}  // namespace castnet

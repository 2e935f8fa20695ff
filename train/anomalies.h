// Anomaly detection by the loss: what a network has not learned to reproduce is unusual.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "runtime/autoencoder.h"
#include "train/data/pairs.h"
#include "train/report/figures.h"

namespace castnet {

/// Returns the score that part_of() the normal scores exceed: fewer if scores are equal, and never all.
double anomaly_threshold(std::vector<double> normal, double false_alarm_rate);

/// Returns the area under the ROC curve: the probability that an anomalous score exceeds a normal one, ties counting half (Hanley & McNeil
/// 1982, from ranks).
double area_under_roc(std::span<const double> normal, std::span<const double> anomalous);

/// Returns the ROC curve from (0, 0) to (1, 1), with a point per distinct score.
std::vector<Rates> roc_curve(std::span<const double> normal, std::span<const double> anomalous);

struct AnomalyOptions {
    std::filesystem::path out;  ///< a folder for scores.csv and the figures, or empty
    double false_alarm_rate = 0.05;
};

/// Fits the threshold on the normal training images, judges the other images, prints the results, and writes them to options.out. `normal`:
/// labels, or none for all. Without them, or without labels of the judged images, no image is known to be anomalous, and there is no ROC
/// curve. Throws Error.
void detect_anomalies(Autoencoder &model, const Pairs &train, const Pairs &judged, const std::vector<int> &normal,
                      const AnomalyOptions &options);

}  // namespace castnet

// The report of a run: its figures, and a page that shows them with its numbers.
#pragma once

#include <vector>

#include "runtime/autoencoder.h"
#include "train/data/pairs.h"
#include "train/history.h"
#include "train/options/train_options.h"
#include "train/run_directory.h"

namespace castnet {

/// Draws the figures of the trained network into the run's directory, and writes report.html there. Throws Error.
void write_report(Autoencoder &model, const Pairs &test, const RunDirectory &directory, const TrainOptions &options,
                  const std::vector<Epoch> &history);

}  // namespace castnet

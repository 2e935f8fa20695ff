// What a run leaves to look at: its figures, and a page that holds them with its numbers.
#pragma once

#include <map>
#include <string>

#include "runtime/dataset.h"
#include "runtime/network.h"
#include "train/run_directory.h"

namespace castnet {

/// Draws the figures and writes report.html, one self-contained page. `options` are the run's, by their names. Throws Error.
void write_report(Network &network, const Dataset &test, const RunDirectory &directory, const std::map<std::string, std::string> &options,
                  int threads);

}  // namespace castnet

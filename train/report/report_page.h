// report.html: all that there is to say about a run, on one page that needs nothing else.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/description.h"
#include "train/history.h"
#include "train/options/train_options.h"

namespace castnet {

/// A picture of the page.
struct ReportFigure {
    std::string title;
    std::filesystem::path file;  ///< an SVG
    std::string caption;
};

struct Report {
    const NetworkDescription &network;
    const TrainOptions &options;
    const std::vector<Epoch> &history;    ///< at least one
    double test_loss = 0;                 ///< of the model that the run leaves
    std::vector<ReportFigure> figures{};  ///< in the page's order; the history follows the first, which shows it
};

/// Throws Error where a figure cannot be read.
std::string report_page(const Report &report);

}  // namespace castnet

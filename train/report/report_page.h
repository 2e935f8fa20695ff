// report.html: a whole run on one self-contained page.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "runtime/description.h"
#include "train/history.h"
#include "train/options/train_options.h"

namespace castnet {

/// A picture on the page.
struct ReportFigure {
    std::string title;
    std::filesystem::path file;  ///< an SVG
    std::string caption;
};

struct Report {
    const NetworkDescription &network;
    const TrainOptions &options;
    const std::vector<Epoch> &history;    ///< at least one
    double test_loss = 0;                 ///< of the run's final model
    std::vector<ReportFigure> figures{};  ///< in the page's order; the table of the history follows the first
};

/// Returns the page as HTML. Throws Error if a figure cannot be read.
std::string report_page(const Report &report);

}  // namespace castnet

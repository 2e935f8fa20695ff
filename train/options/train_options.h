// The options of train.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "runtime/optimizer.h"
#include "train/learning_rate.h"
#include "train/machine/threads.h"
#include "train/options/data_options.h"

namespace CLI {
class Option;
}

namespace castnet {

struct TrainOptions {
    DataOptions data;
    int epochs = 10;
    int batch_size = 32;
    Optimizer optimizer;
    LearningRate learning_rate;
    std::uint64_t seed = 0;
    int threads = default_threads();
    double validation_split = 0;
    int patience = 0;       ///< stops after so many epochs without a better validation loss; 0: never
    double time_limit = 0;  ///< in seconds; 0: none
    bool resume = false;
    std::filesystem::path run_directory;
    std::filesystem::path initial_model;
    std::vector<float> at;  ///< the code whose image the report shows; empty: a test image's
    bool no_figures = false;
    bool quiet = false;

    void add_to(CLI::App &app);

    /// Makes the optimizer that the options describe, and sets what they leave open to its defaults. Call it once all options are known.
    /// Throws Error if they contradict each other.
    void choose_optimizer();
    /// Returns the options that determine the weights, by name. A checkpoint keeps them.
    [[nodiscard]] std::map<std::string, std::string> decisive() const;
    /// Takes the decisive options that were not given from those of the resumed run. Throws Error if one was given and differs; only
    /// --epochs may.
    void resume_with(std::map<std::string, std::string> earlier);
    /// Returns the number of epochs among an earlier run's decisive options, or `epochs` if it is missing. Throws Error.
    [[nodiscard]] int epochs_of(const std::map<std::string, std::string> &earlier) const;

    /// Returns the command that resumes the run.
    [[nodiscard]] std::string resume_command() const;

private:
    void take_earlier(CLI::Option &option, const std::string &value) const;
    void set_default(const std::string &option, float &number, float value) const;
    [[nodiscard]] CLI::Option &decisive_option(const std::string &name) const;

    std::string optimizer_name_ = "adam";
    std::string program_;
    std::filesystem::path default_directory_;
    std::vector<CLI::Option *> decisive_;
};

}  // namespace castnet

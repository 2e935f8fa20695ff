#include "train/train_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "runtime/error.h"
#include "train/code_option.h"

namespace castnet {

void TrainOptions::add_to(CLI::App &app) {
    const auto decides = [this](CLI::Option *option) { decisive_.push_back(option); };
    data.add_to(app);
    decides(app.get_option("--classes"));
    decides(app.add_option("--epochs", epochs, "Times to go through the data")->check(CLI::Range(0, 1'000'000))->capture_default_str());
    decides(app.add_option("--batch-size", batch_size, "Images a step")->check(CLI::Range(1, 65536))->capture_default_str());
    decides(app.add_option("--learning-rate", learning_rate.initial, "Of Adam")->check(CLI::NonNegativeNumber)->capture_default_str());
    decides(app.add_option("--schedule", learning_rate.schedule, "Of the learning rate: constant, cosine (to 0 at the end), or step")
                ->transform(CLI::CheckedTransformer(learning_rate_schedules()))
                ->type_name("NAME")
                ->default_str("constant"));
    decides(app.add_option("--step-epochs", learning_rate.step_epochs, "Epochs between two steps of the learning rate")
                ->check(CLI::Range(1, 1'000'000))
                ->capture_default_str());
    decides(app.add_option("--step-factor", learning_rate.step_factor, "Of the learning rate at a step")
                ->check(CLI::Range(0.0, 1.0))
                ->capture_default_str());
    decides(app.add_option("--seed", seed, "Of the initial weights and the shuffling")->capture_default_str());
    decides(app.add_option("--validation-split", validation_split, "Part of each class to set aside, and to measure val_loss on")
                ->check(CLI::Range(0.0, 0.9))
                ->capture_default_str());
    decides(
        app.add_option("--patience", patience, "Epochs without a better val_loss after which to stop with the best weights; 0 for never")
            ->check(CLI::Range(0, 1'000'000))
            ->capture_default_str());
    app.add_option("--threads", threads, "Threads to use; the results are the same for any number")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    app.add_option("--time-limit", time_limit, "Seconds after which to stop as by Ctrl-C; 0 for none")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    app.add_option("--run-dir", run_directory, "Where the model, the checkpoint and the history go")
        ->type_name("DIR")
        ->capture_default_str();
    CLI::Option *init =
        app.add_option("--init", initial_model, "Weights to begin with, instead of random ones")->type_name("MODEL.safetensors");
    app.add_flag("--resume", resume, "Go on with the run in --run-dir, with its options; --epochs may ask for more")->excludes(init);
    CLI::Option *code = add_code_option(app, at, "The code whose image generated.svg shows, as -8,0; otherwise a test image's");
    app.add_flag("--no-figures", no_figures, "Draw no figures and write no report.html")->excludes(code);
    app.add_flag("--quiet", quiet, "Print nothing but errors");
}

std::map<std::string, std::string> TrainOptions::decisive() const {
    std::map<std::string, std::string> values;
    for (const CLI::Option *option : decisive_)
        values[option->get_name()] = option->count() > 0 ? option->results().front() : option->get_default_str();
    return values;
}

void TrainOptions::resume_with(const std::map<std::string, std::string> &earlier) {
    const std::map<std::string, std::string> now = decisive();
    for (CLI::Option *option : decisive_) {
        const std::string name = option->get_name();
        const auto before = earlier.find(name);
        if (before == earlier.end()) continue;
        if (option->count() == 0) {
            option->add_result(before->second);
            option->run_callback();
        } else if (name != "--epochs" && now.at(name) != before->second) {
            throw Error(fmt::format("{} {}: the run began with {}; leave it out, or begin another run in another --run-dir", name,
                                    now.at(name), before->second));
        }
    }
}

}  // namespace castnet

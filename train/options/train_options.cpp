#include "train/options/train_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>

#include "train/files/error.h"
#include "train/machine/shell.h"
#include "train/options/checked_option.h"
#include "train/options/code_option.h"
#include "train/run_directory.h"

namespace castnet {
namespace {

constexpr int least_epochs = 0, most_epochs = 1'000'000;
constexpr float largest = std::numeric_limits<float>::max();

/// The optimizer of runs that do not tell one: those of earlier versions.
const std::map<std::string, std::string> earlier_optimizer{
    {"--optimizer", "adam"}, {"--momentum", "0"}, {"--nesterov", "false"}, {"--weight-decay", "0"}, {"--clip-norm", "0"}};

Optimizer optimizer_named(const std::string &name) {
    if (name == "sgd") return Optimizer::sgd();
    return name == "adamw" ? Optimizer::adamw() : Optimizer::adam();
}

}  // namespace

void TrainOptions::add_to(CLI::App &app) {
    const auto decides = [this](CLI::Option *option) { decisive_.push_back(option); };
    app.option_defaults()->disable_flag_override();
    program_ = app.get_name();
    default_directory_ = run_directory;
    data.add_to(app);
    decides(app.get_option("--classes"));
    decides(add_number(app, "--epochs", epochs, "Times to go through the data", least_epochs, most_epochs));
    decides(add_number(app, "--batch-size", batch_size, "Images per step", 1, 65536));
    decides(add_choice(app, "--optimizer", optimizer_name_, "How weights follow their gradients", {"adam", "adamw", "sgd"}));
    decides(add_number(app, "--learning-rate", learning_rate.initial, "Learning rate", 0, largest)->default_str("0.001, of sgd 0.01"));
    decides(add_number(app, "--momentum", optimizer.momentum, "Momentum of sgd", 0, 1));
    decides(app.add_flag("--nesterov", optimizer.nesterov, "Take Nesterov's momentum for sgd's")->default_str("false"));
    decides(add_number(app, "--weight-decay", optimizer.weight_decay,
                       "Share of the weights, times the learning rate, that a step takes off", 0, largest)
                ->default_str("0, of adamw 0.004"));
    decides(add_number(app, "--clip-norm", optimizer.clip_norm, "Largest norm of a kernel's or a bias's gradient; 0 for any", 0, largest));
    decides(add_choice(app, "--schedule", learning_rate.schedule,
                       "Course of the learning rate (a cosine falls to 0 at the end of --epochs)", {"constant", "cosine", "step"}));
    decides(add_number(app, "--step-epochs", learning_rate.step_epochs, "Epochs between two steps of --schedule step", 1, most_epochs));
    decides(add_number(app, "--step-factor", learning_rate.step_factor, "Factor of the learning rate at such a step", 0, 1));
    decides(add_number(app, "--seed", seed, "Seed of the initial weights and the shuffling", 0, std::numeric_limits<std::uint64_t>::max()));
    decides(add_number(app, "--validation-split", validation_split, "Fraction of each class to set aside for val_loss", 0, 0.9));
    decides(add_number(app, "--patience", patience,
                       "Stop after so many epochs without a better val_loss, and keep the best weights; 0 for never", 0, most_epochs));
    add_number(app, "--threads", threads, "Threads to use; the results are the same for any number", 1, 1024);
    add_number(app, "--time-limit", time_limit, "Stop after so many seconds, as by Ctrl-C; 0 for never", 0,
               std::numeric_limits<double>::max());
    app.add_option("--run-dir", run_directory, "Folder for the model, the checkpoint and the history")
        ->type_name("DIR")
        ->capture_default_str();
    CLI::Option *init =
        app.add_option("--init", initial_model, "Start from these weights instead of random ones")->type_name("MODEL.safetensors");
    app.add_flag("--resume", resume,
                 "Continue the run in --run-dir with its options; --epochs may be larger, which stretches a cosine schedule")
        ->excludes(init);
    CLI::Option *code = add_code_option(app, at, "Code whose image generated.svg shows, such as -8,0; by default a test image's");
    app.add_flag("--no-figures", no_figures, "Draw no figures and write no report.html")->excludes(code);
    app.add_flag("--quiet", quiet, "Print nothing but errors");
}

void TrainOptions::choose_optimizer() {
    const Optimizer chosen = optimizer_named(optimizer_name_);
    optimizer.kind = chosen.kind;
    set_default("--learning-rate", learning_rate.initial, chosen.learning_rate);
    set_default("--weight-decay", optimizer.weight_decay, chosen.weight_decay);
    if (optimizer.kind != Optimizer::Kind::sgd && (optimizer.momentum != 0 || optimizer.nesterov))
        throw Error("--momentum and --nesterov are for sgd; leave them out, or choose --optimizer sgd");
    if (optimizer.nesterov && optimizer.momentum == 0) throw Error("--nesterov needs a momentum; give --momentum 0.9, say");
}

/// Sets the number to the value, unless the option was given.
void TrainOptions::set_default(const std::string &option, float &number, float value) const {
    CLI::Option &it = decisive_option(option);
    if (it.count() > 0) return;
    number = value;
    it.default_str(fmt::format("{}", value));
}

CLI::Option &TrainOptions::decisive_option(const std::string &name) const {
    return **std::ranges::find(decisive_, name, [](const CLI::Option *option) { return option->get_name(); });
}

std::map<std::string, std::string> TrainOptions::decisive() const {
    std::map<std::string, std::string> values;
    for (const CLI::Option *option : decisive_)
        values[option->get_name()] = option->count() > 0 ? option->results().front() : option->get_default_str();
    return values;
}

void TrainOptions::resume_with(std::map<std::string, std::string> earlier) {
    earlier.insert(earlier_optimizer.begin(), earlier_optimizer.end());
    const std::map<std::string, std::string> now = decisive();
    for (CLI::Option *option : decisive_) {
        const std::string name = option->get_name();
        const auto before = earlier.find(name);
        if (before == earlier.end()) continue;
        if (option->count() == 0) {
            take_earlier(*option, before->second);
        } else if (name != "--epochs" && now.at(name) != before->second) {
            throw Error(fmt::format("{} {}: the run began with {}; leave it out, or begin another run in another --run-dir", name,
                                    now.at(name), before->second));
        }
    }
}

void TrainOptions::take_earlier(CLI::Option &option, const std::string &value) const try {
    option.add_result(value);
    option.run_callback();
} catch (const Error &error) {
    throw Error(fmt::format("{}: cannot be resumed ({}); begin another run in another --run-dir",
                            RunDirectory(run_directory).checkpoint().string(), error.what()));
}

int TrainOptions::epochs_of(const std::map<std::string, std::string> &earlier) const {
    const auto entry = earlier.find("--epochs");
    return entry == earlier.end() ? epochs : parse_number("--epochs", entry->second, least_epochs, most_epochs);
}

std::string TrainOptions::resume_command() const {
    const bool is_default = run_directory == default_directory_;
    return fmt::format("{} --resume{}", program_, is_default ? "" : " --run-dir " + shell_word(run_directory.string()));
}

}  // namespace castnet

#include "train/training.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <exception>
#include <filesystem>
#include <optional>
#include <tuple>

#include "runtime/error.h"
#include "runtime/file.h"
#include "runtime/model_file.h"
#include "runtime/parallel.h"
#include "train/data_options.h"
#include "train/inference.h"
#include "train/program.h"
#include "train/progress.h"

namespace castnet {
namespace {

struct TrainOptions {
    DataOptions data;
    int epochs = 10;
    int batch_size = 32;
    float learning_rate = 1e-3F;
    std::uint64_t seed = 0;
    int threads = default_threads();
    double validation_split = 0;
    std::filesystem::path run_directory;
    std::filesystem::path initial_model;
    bool quiet = false;

    void add_to(CLI::App &app) {
        data.add_to(app);
        app.add_option("--epochs", epochs, "Times to go through the data")->check(CLI::Range(0, 1'000'000))->capture_default_str();
        app.add_option("--batch-size", batch_size, "Images a step")->check(CLI::Range(1, 65536))->capture_default_str();
        app.add_option("--learning-rate", learning_rate, "Of Adam")->check(CLI::NonNegativeNumber)->capture_default_str();
        app.add_option("--seed", seed, "Of the initial weights and the shuffling")->capture_default_str();
        app.add_option("--threads", threads, "Threads to use; the results are the same for any number")
            ->check(CLI::Range(1, 1024))
            ->capture_default_str();
        app.add_option("--validation-split", validation_split, "Part of each class to set aside, and to measure val_loss on")
            ->check(CLI::Range(0.0, 0.9))
            ->capture_default_str();
        app.add_option("--run-dir", run_directory, "Where the model, the checkpoint and the history go")
            ->type_name("DIR")
            ->capture_default_str();
        app.add_option("--init", initial_model, "Weights to begin with, instead of random ones")->type_name("MODEL.safetensors");
        app.add_flag("--quiet", quiet, "Print nothing but errors");
    }
};

/// The files of a run, and where they go.
class RunDirectory {
public:
    /// Makes the folder. The files of an earlier run in it are moved to its next free subfolder previous-N. Throws Error.
    explicit RunDirectory(std::filesystem::path folder) : folder_(std::move(folder)) {
        try {
            std::filesystem::create_directories(folder_);
            keep_previous_run();
        } catch (const std::filesystem::filesystem_error &error) {
            throw Error(fmt::format("{}: cannot be written ({}); choose another --run-dir", folder_.string(), error.code().message()));
        }
    }

    [[nodiscard]] std::filesystem::path model() const { return folder_ / "model.safetensors"; }
    [[nodiscard]] std::filesystem::path checkpoint() const { return folder_ / "checkpoint.safetensors"; }
    [[nodiscard]] std::filesystem::path history() const { return folder_ / "history.csv"; }
    [[nodiscard]] const std::filesystem::path &folder() const { return folder_; }

private:
    void keep_previous_run() const {
        const auto files = {model(), checkpoint(), history()};
        if (std::ranges::none_of(files, [](const auto &file) { return std::filesystem::exists(file); })) return;
        int number = 1;
        while (std::filesystem::exists(folder_ / fmt::format("previous-{}", number))) number++;
        const std::filesystem::path kept = folder_ / fmt::format("previous-{}", number);
        std::filesystem::create_directory(kept);
        for (const std::filesystem::path &file : files) {
            if (std::filesystem::exists(file)) std::filesystem::rename(file, kept / file.filename());
        }
    }

    std::filesystem::path folder_;
};

/// One run of training: the data in a random order, batch by batch.
class Training {
public:
    Training(const TrainOptions &options, const NetworkDescription &description)
        : options_(options),
          random_(options.seed),
          network_(description, options.batch_size, options.threads),
          adam_{.learning_rate = options.learning_rate} {
        data_ = options.data.load(Part::train, description.input());
        std::tie(order_, validation_) = split_stratified(data_.labels, options.validation_split, random_);
        if (order_.empty()) throw Error("no images are left to train on; choose a smaller --validation-split");
        use_threads(options.threads);
        if (glorot_uniform(network_, random_) != 0) throw Error(error_message());
        if (!options.initial_model.empty()) load_model(network_, options.initial_model);
    }

    void run() {
        const RunDirectory directory(options_.run_directory);
        const std::size_t steps = (order_.size() + batch_images() - 1) / batch_images();
        if (!options_.quiet) {
            fmt::print("{}: {} parameters, {} images of {}x{}x{} from {}, {} steps an epoch, {} threads\n", network_.description().name,
                       network_.description().parameter_count(), order_.size(), data_.shape.height, data_.shape.width, data_.shape.channels,
                       options_.data.describe(), steps, options_.threads);
        }
        Progress progress(options_.epochs, static_cast<int>(steps), options_.quiet);
        std::string history = "epoch,loss,val_loss,seconds,images_per_second\n";
        for (int epoch = 1; epoch <= options_.epochs; epoch++) {
            progress.begin_epoch(epoch);
            const double loss = run_epoch(progress);
            const double seconds = progress.seconds();
            std::optional<double> validation_loss;
            if (!validation_.empty()) validation_loss = reconstruction_error(network_, data_, validation_);
            progress.end_epoch(loss, validation_loss);

            history +=
                fmt::format("{},{:.6f},{},{:.3f},{:.0f}\n", epoch, loss, validation_loss ? fmt::format("{:.6f}", *validation_loss) : "",
                            seconds, static_cast<double>(order_.size()) / seconds);
            save_checkpoint(network_, adam_, random_, epoch, directory.checkpoint());
            write_file(directory.history(), history);
        }
        write_safetensors(directory.model(), weights_of(network_));
        write_file(directory.history(), history);
        if (!options_.quiet) fmt::print("wrote {}\n", directory.model().string());
    }

private:
    [[nodiscard]] std::size_t batch_images() const { return static_cast<std::size_t>(options_.batch_size); }

    /// One pass over the shuffled data; the last batch is as small as it comes. Returns the mean loss of the batches, weighted by images.
    double run_epoch(Progress &progress) {
        shuffle(order_, random_);
        double weighted_loss = 0;
        int step = 0;
        std::size_t begin = 0;
        Batch batch;
        std::exception_ptr failure;
        const auto next = [&](const StepResult *last) -> const Batch * {
            try {
                if (last != nullptr) {
                    check(*last);
                    begin += static_cast<std::size_t>(batch.images);
                    weighted_loss += last->loss * batch.images;
                    progress.step(++step, weighted_loss / static_cast<double>(begin));
                }
            } catch (...) {
                failure = std::current_exception();
                return nullptr;
            }
            if (begin == order_.size()) return nullptr;
            batch = Batch::of(data_.images(), std::span(order_).subspan(begin, std::min(batch_images(), order_.size() - begin)));
            return &batch;
        };
        adam_.train(network_, next);
        if (failure) std::rethrow_exception(failure);
        return weighted_loss / static_cast<double>(order_.size());
    }

    void check(const StepResult &result) const {
        if (result.error != 0) throw Error(error_message());
        if (!std::isfinite(result.loss))
            throw Error(fmt::format("the loss is no longer a number after {} steps; choose a smaller --learning-rate than {}", adam_.steps,
                                    options_.learning_rate));
    }

    const TrainOptions &options_;
    Random random_;
    Network network_;
    Adam adam_;
    Dataset data_;
    std::vector<std::uint32_t> order_, validation_;
};

}  // namespace

int train_main(int argc, char **argv, const std::string &program, const NetworkDescription &description) {
    CLI::App app(fmt::format("Trains the network {} to reproduce its input.", description.name), program);
    TrainOptions options;
    options.run_directory = std::filesystem::path("runs") / std::string(description.name);
    options.add_to(app);
    return run_program(app, argc, argv, [&] { Training(options, description).run(); });
}

}  // namespace castnet

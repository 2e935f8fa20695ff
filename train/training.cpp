#include "train/training.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <optional>
#include <tuple>

#include "runtime/parallel.h"
#include "runtime/target.h"
#include "train/console/interruption.h"
#include "train/console/progress.h"
#include "train/data/data_folder.h"
#include "train/files/architecture.h"
#include "train/files/checksum.h"
#include "train/files/error.h"
#include "train/files/file.h"
#include "train/files/model_file.h"
#include "train/history.h"
#include "train/inference.h"
#include "train/machine/roof.h"
#include "train/options/code_option.h"
#include "train/options/level_option.h"
#include "train/options/train_options.h"
#include "train/program.h"
#include "train/ranks/group.h"
#include "train/report/figures.h"
#include "train/report/run_report.h"
#include "train/run_directory.h"

namespace castnet {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds save_interval(30);  // the work that a power failure may cost

/// What a process asks of all that train together.
enum Wish : std::uint32_t { stop = 1, save_now = 2 };

/// Returns the least and the largest value of the images, or of those that stand for all; bytes stand for [0, 1].
std::pair<float, float> range_of(const Dataset &images) {
    if (images.floats.empty()) return {0.0F, 1.0F};
    float least = images.floats[0], largest = least;
    for (std::size_t image = 0; image < images.size(); image += images.stride()) {
        const auto [low, high] = std::ranges::minmax(images.floats_of(image));
        least = std::min(least, low);
        largest = std::max(largest, high);
    }
    images.release();
    return {least, largest};
}

/// Returns the largest value if the values look like unscaled bytes. Standardized values reach below 0 too; scaled ones, and counts of
/// standard deviations, stay below 16.
std::optional<float> largest_unscaled(const Dataset &images) {
    const auto [least, largest] = range_of(images);
    if (least < 0 || largest < 16) return std::nullopt;
    return largest;
}

/// A training run: goes through the data in random order, batch by batch. In a group each process computes its own images of a batch, and
/// the first one writes and prints.
class Training {
public:
    Training(const TrainOptions &options, const NetworkDescription &description, RunDirectory &directory, Group *group)
        : options_(options),
          directory_(directory),
          group_(group),
          random_(options.seed),
          model_(description, {.batch_size = options.batch_size,
                               .threads = options.threads,
                               .optimizer = options.optimizer,
                               .seed = options.seed,
                               .ranks = group}) {
        if (!model_.is_ready()) throw Error(model_.error_message());
        use_threads(options.threads);
        if (options.resume) resume();
        state_.level = model_.description().level;
        load_data();
        std::tie(images_, validation_) = split_stratified(data_.images, options.validation_split, random_);
        if (images_.empty()) throw Error("no images are left to train on; choose a smaller --validation-split");
        if (options.patience > 0 && validation_.empty())
            throw Error("--patience needs a validation loss; set images aside for it by --validation-split 0.1, say");
        if (options.resume) {
            earlier_epochs_ = options.epochs_of(state_.options);
            if (state_.image >= images_.size())
                throw Error(fmt::format("{}: {} images of an epoch are done, and the data has {}; give the --data of the run",
                                        directory_.checkpoint().string(), state_.image, images_.size()));
            random_ = Random(state_.shuffle);
            images_before_ = state_.image;
        } else {
            if (model_.initialize(random_) != 0) throw Error(model_.error_message());
            if (!options.initial_model.empty()) load_model(model_, options.initial_model);
        }
        state_.options = options.decisive();
        if (data_.images.labels.empty()) state_.options.erase("--classes");  // the default decided nothing
        if (group_ != nullptr) check_same(*group_, facts());
    }

    void run() {
        const Interruption interruption;
        if (!options_.resume) {
            state_.shuffle = random_.state();
            if (writes()) {
                directory_.begin([this] { save(); });  // so that the run can be resumed from its first moment on
            } else {
                save();
            }
        }
        History history(directory_.history(), state_.epoch);
        announce();
        if (!options_.quiet) roof_ = measure_roof(model_.description(), options_.batch_size, options_.threads);
        Progress progress(options_.epochs, static_cast<int>(steps()), options_.quiet);
        while (is_unfinished() && !asked_to_stop_) {
            progress.begin_epoch(state_.epoch + 1, static_cast<int>(state_.image / batch_images()));
            if (run_epoch(progress)) {
                end_epoch(progress, history);
            } else {
                save();
                progress.end_line();
            }
            asked_to_stop_ = any(group_, asked_to_stop_ || is_asked_to_stop());
        }
        if (writes()) end(history);
        any(group_, false);  // the others wait here, and hear it if this fails
    }

private:
    /// Reports how the run ended, and writes its results. The checkpoint is written.
    void end(const History &history) {
        if (is_unfinished())
            say("stopped in epoch {} after {} of {} images; continue with {}\n", state_.epoch + 1, state_.image, images_.size(),
                options_.resume_command());
        history.write();
        write_model();
        if (state_.epoch > 0 && !options_.no_figures) write_figures(history);
        if (is_unfinished() && is_unheard())
            throw Error(fmt::format("standard output cannot be written; the run is saved, continue with {}", options_.resume_command()));
    }

    [[nodiscard]] std::size_t batch_images() const { return static_cast<std::size_t>(options_.batch_size); }
    [[nodiscard]] std::size_t steps() const { return (images_.size() + batch_images() - 1) / batch_images(); }
    [[nodiscard]] bool out_of_patience() const {
        return options_.patience > 0 && state_.best_epoch > 0 && state_.epoch - state_.best_epoch >= options_.patience;
    }
    [[nodiscard]] bool time_is_up() const {
        return options_.time_limit > 0 && std::chrono::duration<double>(Clock::now() - begin_).count() >= options_.time_limit;
    }
    /// Returns whether nobody reads the run's output: the reader of a pipe is gone, or the terminal.
    [[nodiscard]] static bool is_unheard() { return std::ferror(stdout) != 0; }
    [[nodiscard]] bool is_asked_to_stop() const { return Interruption::requested() || is_unheard() || time_is_up(); }
    [[nodiscard]] bool is_unfinished() const { return state_.epoch < options_.epochs && !out_of_patience(); }
    void resume() {
        state_ = load_checkpoint(model_, directory_.checkpoint());
        const std::string_view level = model_.description().level;
        if (state_.level.empty() || state_.level == level) return;
        warn(
            fmt::format("the run was at the level {} and goes on at {}, which rounds sums otherwise: its losses differ from an "
                        "uninterrupted run's in the last digits",
                        state_.level, level));
    }
    /// Returns whether this process writes and prints.
    [[nodiscard]] bool writes() const { return speaks_for(group_); }
    [[nodiscard]] int ranks() const { return group_ == nullptr ? 1 : group_->place().ranks; }
    void save() {
        if (model_.network().gather_moments() != 0) throw Error(lost());
        if (writes()) save_checkpoint(model_, state_, directory_.checkpoint());
    }
    [[nodiscard]] std::string lost() const {
        return fmt::format("{}; continue from the last checkpoint with {}", lost_group, options_.resume_command());
    }

    /// Returns what the processes of a group must have in common.
    [[nodiscard]] std::vector<Fact> facts() {
        const NetworkDescription &description = model_.description();
        const auto images_of = [](const std::optional<DataIdentity> &data) {
            return data ? fmt::format("{} images with CRC-32 {:08x}", data->images, data->checksum) : "none";
        };
        std::uint32_t architecture = 0;
        for (const auto &[name, value] : architecture_of(description))
            architecture = checksum_of(std::as_bytes(std::span(value)), architecture);
        std::vector<Fact> facts{{"network", fmt::format("{} with CRC-32 {:08x}", description.name, architecture)},
                                {"target", std::string(description.target)},
                                {"program", fmt::format("a file with CRC-32 {:08x}", checksum_of(read_file("/proc/self/exe")))}};
        for (const auto &[name, value] : state_.options) facts.push_back({name, value});
        facts.push_back({"--data", images_of(state_.data)});
        facts.push_back({"--targets", images_of(state_.targets)});
        facts.push_back({"checkpoint", fmt::format("epoch {}, image {}", state_.epoch, state_.image)});
        std::vector<float> weights(description.parameter_count());
        if (model_.save(weights) != 0) throw Error(model_.error_message());
        facts.push_back({"first weights", fmt::format("CRC-32 {:08x}", checksum_of(std::as_bytes(std::span(weights))))});
        return facts;
    }

    template <typename... Arguments>
    void say(fmt::format_string<Arguments...> text, Arguments &&...arguments) const {
        if (!options_.quiet) std::fputs(fmt::format(text, std::forward<Arguments>(arguments)...).c_str(), stdout);
    }

    /// Loads the training images and their targets. Throws Error if they are not those of the run that is resumed.
    void load_data() {
        const std::optional<DataIdentity> earlier = state_.data, earlier_targets = state_.targets;
        const auto other_data = [&](const std::string &found) {
            return Error(fmt::format("{}: the run was trained on {}; {}", directory_.checkpoint().string(), to_string(*earlier), found));
        };
        try {
            data_ = options_.data.load(Part::train, model_.description(), [this](const std::string &text) { warn(text); });
            state_.data = identity_of(data_.images, find_data(options_.data.path));
            state_.targets.reset();
            if (data_.targets) state_.targets = identity_of(*data_.targets, options_.data.targets);
        } catch (const Error &error) {
            if (!earlier) throw;
            throw other_data(error.what());
        }
        if (earlier && !earlier->has_same_images(*state_.data))
            throw other_data(fmt::format("{} are others; give the run's own by --data, or begin another run in another --run-dir",
                                         to_string(*state_.data)));
        if (options_.resume && !earlier)
            warn(fmt::format("{}: does not tell what the run was trained on; it goes on with {}", directory_.checkpoint().string(),
                             to_string(*state_.data)));
        if (options_.resume) check_same_targets(earlier_targets);
        check_targets(data_, model_.description());
        warn_of_unscaled(data_.images, find_data(options_.data.path));
        if (data_.targets) warn_of_unscaled(*data_.targets, options_.data.targets);
    }

    /// Throws Error if the targets are not those of the run that is resumed.
    void check_same_targets(const std::optional<DataIdentity> &earlier) const {
        const std::optional<DataIdentity> &now = state_.targets;
        if (earlier ? now && earlier->has_same_images(*now) : !now) return;
        const auto text = [](const std::optional<DataIdentity> &targets) { return targets ? to_string(*targets) : "none"; };
        throw Error(
            fmt::format("{}: the run's targets were {}, and now they are {}; leave --targets as it was, or begin another run in "
                        "another --run-dir",
                        directory_.checkpoint().string(), text(earlier), text(now)));
    }

    void warn_of_unscaled(const Dataset &dataset, const std::filesystem::path &path) const {
        if (const std::optional<float> largest = largest_unscaled(dataset))
            warn(fmt::format("{}: its values reach {}, networks learn from values of about 1; divide by 255, say, or store bytes as uint8",
                             path.string(), *largest));
    }

    void announce() const {
        const Shape shape = model_.description().input;
        say("{}: {} parameters, {} images of {}x{}x{} from {}{}, {} steps an epoch, {}{} threads\n", model_.description().name,
            model_.description().parameter_count(), images_.size(), shape.height, shape.width, shape.channels, options_.data.describe(),
            data_.targets ? " with targets from " + options_.data.targets : "", steps(),
            ranks() > 1 ? fmt::format("{} ranks of ", ranks()) : "", options_.threads);
        if (options_.resume && state_.epoch >= options_.epochs)
            say("{} epochs are done already; ask for more by --epochs {}\n", state_.epoch, state_.epoch + 10);
        if (const float rate = learning_rate(options_.epochs), earlier = learning_rate(earlier_epochs_); is_unfinished() && rate != earlier)
            say("--schedule {} now ends at epoch {}: the learning rate goes on at {:.4g}, where the run would have had {:.4g}\n",
                options_.learning_rate.schedule, options_.epochs, rate, earlier);
    }

    /// Returns the learning rate at this point of a run of `epochs` epochs.
    [[nodiscard]] float learning_rate(int epochs) const {
        return options_.learning_rate.at(state_.epoch + static_cast<double>(state_.image) / static_cast<double>(images_.size()), epochs);
    }

    /// Trains on the rest of one pass over the data, in the epoch's own order; the last batch may be smaller. Returns false if asked to
    /// stop.
    bool run_epoch(Progress &progress) {
        state_.shuffle = random_.state();
        std::vector<std::uint32_t> order = images_;
        shuffle(order, random_);
        while (state_.image < order.size()) {
            run_batches(order, progress);
            if (state_.image == order.size()) break;
            if (asked_to_stop_) return false;
            save();
        }
        return true;
    }

    /// Trains until the end of the epoch, a request to stop, or the time to save.
    void run_batches(std::span<const std::uint32_t> order, Progress &progress) {
        const Clock::time_point save_at = Clock::now() + save_interval;
        Examples examples = data_.examples();
        examples.corruption.key = Corruption::key_of(options_.seed, static_cast<std::uint64_t>(state_.epoch));
        Batch batch;
        std::exception_ptr failure;
        const auto next = [&](const StepResult *last) -> const Batch * {
            try {
                if (last != nullptr) {
                    check(*last, batch);
                    state_.image += static_cast<std::size_t>(batch.images);
                    state_.weighted_loss += last->loss * batch.images;
                    progress.step(static_cast<int>((state_.image + batch_images() - 1) / batch_images()),
                                  state_.weighted_loss / static_cast<double>(state_.image));
                }
            } catch (...) {
                failure = std::current_exception();
                return nullptr;
            }
            const std::uint32_t heard = last != nullptr ? last->wishes : 0;  // of all processes in the same step
            asked_to_stop_ = asked_to_stop_ || (heard & stop) != 0;
            if (state_.image == order.size() || heard != 0) return nullptr;
            release_some(batch.images);
            batch = Batch::of(examples, order.subspan(state_.image, std::min(batch_images(), order.size() - state_.image)));
            batch.wishes = (is_asked_to_stop() ? stop : 0U) | (writes() && Clock::now() >= save_at ? save_now : 0U);
            model_.optimizer().learning_rate = learning_rate(options_.epochs);
            return &batch;
        };
        model_.train(next);
        if (failure) std::rethrow_exception(failure);
    }

    /// Lets go of mapped images now and then, so that they never fill memory.
    void release_some(int images) {
        constexpr std::size_t interval = 2048;  // images: their pages and what the system maps beside them are 128 MiB at most
        images_touched_ += static_cast<std::size_t>(images);
        if (images_touched_ < interval) return;
        images_touched_ = 0;
        data_.release();
    }

    void end_epoch(Progress &progress, History &history) {
        const auto all_images = static_cast<double>(images_.size());
        const double loss = state_.weighted_loss / all_images, seconds = progress.seconds();
        const double images_per_second = (all_images - static_cast<double>(images_before_)) / seconds;
        images_before_ = 0;
        std::optional<double> validation_loss;
        if (!validation_.empty()) validation_loss = loss_on(model_, data_, validation_, group_);
        const Work step = training_work(model_.description(), divide_up(options_.batch_size, ranks()), model_.optimizer().slots());
        progress.end_epoch(loss, validation_loss, share_of_roof(step, roof_, options_.batch_size / images_per_second));
        state_.epoch++;
        state_.image = 0;
        state_.weighted_loss = 0;
        state_.shuffle = random_.state();
        if (options_.patience > 0 && (state_.best_epoch == 0 || *validation_loss < state_.best_loss)) {
            state_.best_epoch = state_.epoch;
            state_.best_loss = *validation_loss;
            state_.best_weights = weights_of(model_);
        }
        // Before the checkpoint: resuming drops the lines beyond the checkpoint's epoch.
        if (writes())
            history.add({.number = state_.epoch,
                         .loss = loss,
                         .validation_loss = validation_loss,
                         .seconds = seconds,
                         .images_per_second = images_per_second});
        save();
    }

    void write_model() {
        if (state_.best_epoch > 0) {
            restore_weights(model_, state_.best_weights);
            say("the weights of epoch {} were the best: val_loss {:.4g}\n", state_.best_epoch, state_.best_loss);
        }
        save_model(model_, directory_.model());
        say("wrote {}\n", directory_.model().string());
    }

    /// Writes the report and its figures. Only warns if that fails, as the run itself succeeded.
    void write_figures(const History &history) {
        if (!can_draw()) return warn("there are no figures without gnuplot; install the package gnuplot-nox");
        try {
            if (state_.best_epoch > 0) load_model(model_, directory_.model());
            const Pairs test = options_.data.load(Part::test, model_.description(), [this](const std::string &text) { warn(text); });
            write_report(model_, test, directory_, options_, history.epochs());
            say("wrote {}\n", directory_.report().string());
        } catch (const Error &error) {
            warn(error.what());
        }
    }

    void warn(const std::string &text) const {
        if (!options_.quiet) castnet::warn(text);
    }

    /// Throws Error if the step on the batch failed.
    void check(const StepResult &result, const Batch &batch) const {
        if (result.error == 0) return;
        const std::string message = model_.error_message();
        if (message == failed_elsewhere) throw Error(message);
        if (message == not_exchanged) throw Error(lost());
        for (int i = 0; i < batch.images; i++) {  // of mapped data not all is looked at before
            check_finite(options_.data.describe(), data_.images, batch.indices[i]);
            if (data_.targets) check_finite(options_.data.targets, *data_.targets, batch.indices[i]);
        }
        const auto [least, most] = range_of(data_.images);
        const float largest = std::max(-least, most);
        const bool scaled = largest <= 1;
        throw Error(
            fmt::format("{} in step {} with a learning rate of {:.3g}{}; begin again with {}a smaller --learning-rate, from --init {} "
                        "if you like",
                        message, model_.optimizer().steps, model_.optimizer().learning_rate,
                        scaled ? "" : fmt::format(" on images with values up to {:.3g}", largest),
                        scaled ? "" : "images scaled to [0, 1] or ", directory_.checkpoint().string()));
    }

    const TrainOptions &options_;
    RunDirectory &directory_;
    Group *group_;  // null if there is none
    Random random_;
    Autoencoder model_;
    TrainingState state_;
    Pairs data_;
    std::vector<std::uint32_t> images_, validation_;
    int earlier_epochs_ = options_.epochs;  // of the resumed run
    std::size_t images_before_ = 0;         // of this epoch, done before resuming
    std::size_t images_touched_ = 0;        // since mapped ones were let go
    bool asked_to_stop_ = false;            // this process, or another of its group
    Roof roof_;
    Clock::time_point begin_ = Clock::now();
};

}  // namespace

int train_main(int argc, char **argv, const std::string &program, std::span<const NetworkDescription> levels, const std::string &classes) {
    CLI::App app(fmt::format("Trains the network {}.", levels.front().name), program);
    TrainOptions options;
    options.data.default_classes = classes;
    options.run_directory = std::filesystem::path("runs") / std::string(levels.front().name);
    options.add_to(app);
    std::string level;
    add_level_option(app, level, levels);
    std::unique_ptr<Group> group;
    try {
        group = join_group();
    } catch (const Error &error) {
        return fail(error.what());
    }
    const bool writes = speaks_for(group.get());
    const auto run = [&] {
        const NetworkDescription &description = *find_level(levels, level);
        if (!options.at.empty()) check_code(description, options.at);
        if (!options.resume) options.choose_optimizer();
        RunDirectory directory(options.run_directory);
        if (writes) directory.lock();
        options.quiet = options.quiet || !writes;
        if (options.resume) {
            const TrainingState earlier = read_state(description, directory.checkpoint());
            options.resume_with(earlier.options);
            options.choose_optimizer();
            const auto take_earlier = [](std::string &path, const std::optional<DataIdentity> &data) {
                if (path.empty() && data && is_there(data->path)) path = data->path;
            };
            take_earlier(options.data.path, earlier.data);
            take_earlier(options.data.targets, earlier.targets);
        }
        Training(options, description, directory, group.get()).run();
    };
    if (group == nullptr) return run_program(app, argc, argv, run);
    if (!writes) std::ignore = std::freopen("/dev/null", "w", stdout);
    const int status = run_program(app, argc, argv, run, [&](const std::string &error) { return group->report_of(error); });
    group->leave();
    return status;
}

}  // namespace castnet

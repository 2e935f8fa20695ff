// Long runs: interrupted, killed, resumed, stopped early.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/safetensors.h"
#include "tests/program.h"
#include "tests/temporary.h"
#include "train/learning_rate.h"

namespace castnet::test {
namespace {

/// A data set for test_gap, and runs on it.
struct Runs {
    TemporaryFolder folder;
    std::string data = (folder.path() / "data").string();
    Runs() { write_dataset(data, 65, {12, 10}); }

    [[nodiscard]] std::string path(const std::string &name) const { return (folder.path() / name).string(); }
    [[nodiscard]] std::string command(const std::string &name, const std::string &options) const {
        return "train-test_gap --quiet --no-figures --data " + data + " --run-dir " + path(name) + " " + options;
    }
    /// A run to its end; returns its model's bytes.
    [[nodiscard]] std::string model(const std::string &name, const std::string &options) const {
        const Run result = run(command(name, options));
        CAPTURE(result.output);
        REQUIRE(result.status == 0);
        return read_plain(path(name) + "/model.safetensors");
    }
    /// The columns epoch, loss and val_loss.
    [[nodiscard]] std::string losses(const std::string &name) const {
        std::istringstream lines(read_plain(path(name) + "/history.csv"));
        std::string all;
        for (std::string line; std::getline(lines, line);) {
            const std::size_t seconds = line.find(',', line.find(',', line.find(',') + 1) + 1);
            all += line.substr(0, seconds) + "\n";
        }
        return all;
    }
    [[nodiscard]] std::string epoch(const std::string &name) const {
        return read_safetensors(path(name) + "/checkpoint.safetensors").metadata.at("epoch");
    }
};

TEST_CASE("train: files that lead to another disk still do after a resume and a new run") {
    const Runs runs;
    const std::string first = runs.model("run", "--epochs 1 --seed 3");
    const std::filesystem::path folder = runs.path("run"), disk = runs.path("disk");
    std::filesystem::create_directory(disk);
    for (const char *name : {"model.safetensors", "checkpoint.safetensors"}) {
        std::filesystem::rename(folder / name, disk / name);
        std::filesystem::create_symlink(disk / name, folder / name);
    }
    CHECK(runs.model("run", "--resume") == first);
    const std::string second = runs.model("run", "--epochs 1 --seed 4");
    CHECK(std::filesystem::is_symlink(folder / "model.safetensors"));
    CHECK(std::filesystem::is_symlink(folder / "checkpoint.safetensors"));
    CHECK(read_plain(disk / "model.safetensors") == second);
    CHECK(read_plain(folder / "previous-1" / "model.safetensors") == first);
    CHECK(runs.model("run", "--resume") == second);
}

TEST_CASE("train: what a killed program left unfinished is removed") {
    const Runs runs;
    (void)runs.model("run", "--epochs 1");
    write_plain(runs.path("run") + "/checkpoint.safetensors.123.tmp", "half");
    (void)runs.model("run", "--resume");
    CHECK_FALSE(std::filesystem::exists(runs.path("run") + "/checkpoint.safetensors.123.tmp"));
}

TEST_CASE("train: more epochs may be asked for") {
    const Runs runs;
    const std::string whole = runs.model("whole", "--epochs 5 --seed 3");
    (void)runs.model("parts", "--epochs 2 --seed 3");
    CHECK(runs.model("parts", "--resume --epochs 5") == whole);
    CHECK(run(runs.command("parts", "--resume")).status == 0);  // nothing is left to do
    CHECK(read_plain(runs.path("parts") + "/model.safetensors") == whole);
}

TEST_CASE("train: what cannot be resumed is said in one line") {
    const Runs runs;
    check_error(runs.command("none", "--resume"), "cannot be opened");
    (void)runs.model("some", "--epochs 1 --seed 3");
    check_error(runs.command("some", "--resume --seed 4"), "--seed 4: the run began with 3");
    check_error(runs.command("some", "--resume --init x"), "--init");
    check_error(runs.command("other", "--patience 2"), "--patience needs a validation loss");
    const TensorFile model = read_safetensors(runs.path("some") + "/model.safetensors");
    write_safetensors(runs.path("some") + "/checkpoint.safetensors", model);
    check_error(runs.command("some", "--resume"), "so it is no checkpoint");
    REQUIRE(run(runs.command("stopped", "--time-limit 1e-9")).status == 0);  // after a step of 32 images
    write_dataset(runs.data, 20, {12, 10});
    check_error(runs.command("stopped", "--resume"), "32 images of an epoch are done, and the data has 20");
}

TEST_CASE("train: Ctrl-C and SIGTERM finish the step, save, and say how to go on") {
    const Runs runs;
    const std::string command = "train-test_gap --epochs 100000 --batch-size 4 --no-figures --data " + runs.data + " --run-dir ";
    for (const std::string signal : {"INT", "TERM"}) {
        // The shell becomes the program, and its child sends the signal when an epoch is done.
        const Run result =
            run(command + runs.path(signal),
                fmt::format("sh -c '(while kill -0 $$ && ! [ -e {}/history.csv ]; do sleep 0.01; done; kill -s {} $$) & exec \"$@\"' sh ",
                            runs.path(signal), signal));
        CAPTURE(result.output);
        CHECK(result.status == 0);
        CHECK(result.output.find("train --resume goes on") != std::string::npos);
        CHECK(std::filesystem::exists(runs.path(signal) + "/model.safetensors"));
        CHECK(run(runs.command(signal, "--resume --time-limit 0.01")).status == 0);
    }
}

TEST_CASE("train: stops when the validation loss has not fallen for --patience epochs, with the best weights") {
    const Runs runs;
    // A learning rate so large that the loss soon rises.
    const std::string options = "--validation-split 0.3 --learning-rate 0.3 --epochs 200 --patience 2";
    const std::string model = runs.model("early", options);
    std::istringstream lines(runs.losses("early"));
    std::string line;
    std::getline(lines, line);
    std::vector<double> losses;
    while (std::getline(lines, line)) losses.push_back(std::stod(line.substr(line.rfind(',') + 1)));
    REQUIRE(losses.size() < 200);
    const auto best = std::ranges::min_element(losses) - losses.begin() + 1;
    CHECK(std::size_t(best) + 2 == losses.size());
    CHECK(runs.model("best", "--validation-split 0.3 --learning-rate 0.3 --epochs " + std::to_string(best)) == model);
}

TEST_CASE("learning rate: constant, cosine and step follow their formulas") {
    LearningRate rate{.initial = 0.5F, .epochs = 8, .step_epochs = 3, .step_factor = 0.1F};
    CHECK(rate.at(7.5) == 0.5F);
    rate.schedule = LearningRateSchedule::cosine;
    CHECK(rate.at(0) == 0.5F);
    CHECK(rate.at(2) == doctest::Approx(0.25 * (1 + std::sqrt(0.5))));
    CHECK(rate.at(4) == doctest::Approx(0.25));
    CHECK(rate.at(8) == doctest::Approx(0));
    rate.schedule = LearningRateSchedule::step;
    CHECK(rate.at(2.99) == 0.5F);
    CHECK(rate.at(3) == doctest::Approx(0.05));
    CHECK(rate.at(6.5) == doctest::Approx(0.005));
}

}  // namespace
}  // namespace castnet::test

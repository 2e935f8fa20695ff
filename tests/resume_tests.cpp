// Long runs: interrupted, killed, resumed, stopped early.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "runtime/npy.h"
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

TEST_CASE("train: Ctrl-C, SIGTERM and SIGHUP finish the step, save, and say how to go on") {
    const Runs runs;
    for (const auto &[name, signal] : {std::pair{"int", SIGINT}, {"term", SIGTERM}, {"it hangs up", SIGHUP}}) {
        CAPTURE(name);
        const std::string directory =
            "--run-dir " + (std::string(name).find(' ') == std::string::npos ? runs.path(name) : "'" + runs.path(name) + "'");
        Running running("train-test_gap --epochs 100000 --batch-size 4 --no-figures --data " + runs.data + " " + directory);
        CHECK(running.says("Epoch 2/"));
        running.send(signal);
        if (signal == SIGHUP) running.send(signal);  // as a shell does after its terminal
        const Run result = running.end();
        CAPTURE(result.output);
        CHECK(result.status == 0);
        CHECK(result.output.find("images; train-test_gap --resume " + directory + " goes on\n") != std::string::npos);
        CHECK(std::filesystem::exists(runs.path(name) + "/model.safetensors"));
        CHECK(run("train-test_gap --quiet --no-figures --resume --time-limit 0.01 --data " + runs.data + " " + directory).status == 0);
    }
}

TEST_CASE("train: a run that nohup keeps from SIGHUP goes on") {
    const Runs runs;
    Running running("train-test_gap --epochs 100000 --no-figures --data " + runs.data + " --run-dir " + runs.path("run"), "trap '' HUP; ");
    CHECK(running.says("Epoch 2/"));
    running.send(SIGHUP);
    CHECK(running.says("Epoch 20/"));
    running.send(SIGTERM);
    CHECK(running.end().status == 0);
}

TEST_CASE("train: where nobody reads what a run says, it saves, and ends with an error") {
    const Runs runs;
    const std::string errors = runs.path("errors");
    Running running("train-test_gap --epochs 100000 --no-figures --data " + runs.data + " --run-dir " + runs.path("run") + " 2>" + errors);
    CHECK(running.says("Epoch 2/"));
    running.stop_reading();
    CHECK(running.end().status == 1);
    CHECK(read_plain(errors) == "error: standard output cannot be written; the run is saved, and train-test_gap --resume --run-dir " +
                                    runs.path("run") + " goes on\n");
    CHECK(std::stoi(runs.epoch("run")) >= 2);
    CHECK(std::filesystem::exists(runs.path("run") + "/model.safetensors"));
    CHECK(run(runs.command("run", "--resume --time-limit 0.01")).status == 0);
}

TEST_CASE("train: a schedule ends with --epochs, and says what more of them change") {
    const Runs runs;
    // One step an epoch, and a gradient that hardly changes: Adam's steps are the rates, and the bias is their sum.
    write_npy(runs.path("far.npy"), {1, 12, 10, 1}, std::vector<float>(120, 1e4F));
    const auto bias = [&](const std::string &options) {
        const Run result =
            run("train-test_gap --quiet --no-figures --data " + runs.path("far.npy") + " --run-dir " + runs.path("far") + options);
        CAPTURE(result.output);
        REQUIRE(result.status == 0);
        return read_safetensors(runs.path("far") + "/model.safetensors").find("conv2d_transpose/bias")->values.front() / 1e-3;
    };
    CHECK(bias(" --epochs 6") == doctest::Approx(6).epsilon(1e-3));
    CHECK(bias(" --epochs 6 --schedule cosine") == doctest::Approx(3.5).epsilon(1e-3));
    CHECK(bias(" --epochs 20 --schedule cosine") == doctest::Approx(10.5).epsilon(1e-3));
    CHECK(bias(" --epochs 6 --schedule step --step-epochs 2 --step-factor 0.5") == doctest::Approx(3.5).epsilon(1e-3));

    const std::string jump = "--schedule cosine now ends at epoch 4: the learning rate goes on at 0.0005, where the run would have had 0\n";
    const auto says = [&](const std::string &options) {
        const Run result = run("train-test_gap --no-figures --data " + runs.data + " --run-dir " + runs.path("cosine") + " " + options);
        CAPTURE(result.output);
        CHECK(result.status == 0);
        return result.output;
    };
    CHECK(says("--epochs 2 --schedule cosine").find("--schedule cosine now") == std::string::npos);
    CHECK(says("--resume --epochs 4").find(jump) != std::string::npos);
    CHECK(says("--resume").find("--schedule cosine now") == std::string::npos);
    CHECK(read_safetensors(runs.path("cosine") + "/checkpoint.safetensors").metadata.at("option --schedule") == "cosine");
    (void)runs.model("constant", "--epochs 1");
    CHECK(run("train-test_gap --resume --no-figures --epochs 2 --data " + runs.data + " --run-dir " + runs.path("constant"))
              .output.find("learning rate") == std::string::npos);
}

TEST_CASE("train: a checkpoint with an option that this version does not know is refused by name") {
    const Runs runs;
    (void)runs.model("old", "--epochs 1");
    TensorFile checkpoint = read_safetensors(runs.path("old") + "/checkpoint.safetensors");
    checkpoint.metadata["option --schedule"] = "1";  // as cosine once was
    write_safetensors(runs.path("old") + "/checkpoint.safetensors", checkpoint);
    check_error(runs.command("old", "--resume --epochs 2"),
                "checkpoint.safetensors: cannot be resumed (--schedule 1: is not allowed; give constant, cosine or step)");
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
    LearningRate rate{.initial = 0.5F, .step_epochs = 3, .step_factor = 0.1F};
    CHECK(rate.at(7.5, 8) == 0.5F);
    rate.schedule = "cosine";
    CHECK(rate.at(0, 8) == 0.5F);
    CHECK(rate.at(2, 8) == doctest::Approx(0.25 * (1 + std::sqrt(0.5))));
    CHECK(rate.at(4, 8) == doctest::Approx(0.25));
    CHECK(rate.at(8, 8) == doctest::Approx(0));
    rate.schedule = "step";
    CHECK(rate.at(2.99, 8) == 0.5F);
    CHECK(rate.at(3, 8) == doctest::Approx(0.05));
    CHECK(rate.at(6.5, 8) == doctest::Approx(0.005));
}

}  // namespace
}  // namespace castnet::test

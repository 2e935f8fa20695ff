// Tests long runs: interrupted, killed, resumed, stopped early.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/data/npy.h"
#include "train/files/safetensors.h"
#include "train/learning_rate.h"

namespace castnet::test {
namespace {

/// Runs on a data set for test_gap.
struct Runs {
    TemporaryFolder folder;
    std::string data = (folder.path() / "data").string();
    Runs() { write_dataset(data, 65, {12, 10}); }

    [[nodiscard]] std::string path(const std::string &name) const { return (folder.path() / name).string(); }
    [[nodiscard]] std::string command(const std::string &name, const std::string &options) const {
        return "train-test_gap --quiet --no-figures --data " + data + " --run-dir " + path(name) + " " + options;
    }
    /// Runs to the end and returns the model's bytes.
    [[nodiscard]] std::string model(const std::string &name, const std::string &options) const {
        const Run result = run(command(name, options));
        CAPTURE(result.output);
        REQUIRE(result.status == 0);
        return read_plain(path(name) + "/model.safetensors");
    }
    /// Returns the columns epoch, loss and val_loss.
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
    TensorFile checkpoint = read_safetensors(runs.path("stopped") + "/checkpoint.safetensors");
    checkpoint.metadata.at("image") = "65";
    write_safetensors(runs.path("stopped") + "/checkpoint.safetensors", checkpoint);
    check_error(runs.command("stopped", "--resume"), "65 images of an epoch are done, and the data has 65");
}

TEST_CASE("train: --resume goes on with the run's optimizer, and refuses another, or another of its numbers") {
    const Runs runs;
    const std::string options = "--optimizer sgd --momentum 0.9 --nesterov --weight-decay 0.1 --clip-norm 0.01";
    const std::string whole = runs.model("whole", "--epochs 2 " + options);
    (void)runs.model("run", "--epochs 1 " + options);
    for (const auto &[other, began] :
         {std::pair{"--optimizer adam", "sgd"}, {"--momentum 0.8", "0.9"}, {"--weight-decay 0", "0.1"}, {"--clip-norm 1", "0.01"}})
        check_error(runs.command("run", std::string("--resume ") + other), std::string(other) + ": the run began with " + began);
    CHECK(runs.model("run", "--resume --epochs 2 " + options) == whole);
    const TensorFile checkpoint = read_safetensors(runs.path("run") + "/checkpoint.safetensors");
    CHECK(checkpoint.metadata.at("option --learning-rate") == "0.01");
    CHECK(checkpoint.find("sgd/v/squeeze/bias") != nullptr);
    CHECK(checkpoint.find("adam/m/squeeze/bias") == nullptr);
    (void)runs.model("from", "--epochs 0 --init " + runs.path("run") + "/checkpoint.safetensors");

    TensorFile contradictory = checkpoint;
    contradictory.metadata.at("option --momentum") = "0";
    write_safetensors(runs.path("run") + "/checkpoint.safetensors", contradictory);
    check_error(runs.command("run", "--resume"), "--nesterov needs a momentum");
}

TEST_CASE("train: a checkpoint of an earlier version is Adam's") {
    const Runs runs;
    const std::string whole = runs.model("whole", "--epochs 2");
    (void)runs.model("run", "--epochs 1");
    const std::string path = runs.path("run") + "/checkpoint.safetensors";
    TensorFile checkpoint = read_safetensors(path);
    for (const char *option : {"--optimizer", "--momentum", "--nesterov", "--weight-decay", "--clip-norm"})
        REQUIRE(checkpoint.metadata.erase(std::string("option ") + option) == 1);
    write_safetensors(path, checkpoint);
    check_error(runs.command("run", "--resume --optimizer sgd"), "--optimizer sgd: the run began with adam");
    check_error(runs.command("run", "--resume --weight-decay 0.1"), "--weight-decay 0.1: the run began with 0");
    CHECK(runs.model("run", "--resume --epochs 2") == whole);
}

/// Runs on .npy files of 12x10 bytes with different contents.
struct DataRuns {
    TemporaryFolder folder;
    DataRuns() {
        for (const char *name : {"a.npy", "b.npy"}) write_images(name, name[0]);
    }
    [[nodiscard]] std::string path(const std::string &name) const { return (folder.path() / name).string(); }
    void write_images(const std::string &name, char first) const {
        std::string bytes(std::size_t{40} * 120, '\0');
        for (std::size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(first + 31 * (i * i % 97));
        write_plain(path(name), npy_bytes(npy_header("|u1", "40, 12, 10"), bytes));
    }
    /// Trains in the folder, so that paths can be relative.
    [[nodiscard]] Run train(const std::string &options, const std::string &environment = "") const {
        return run("train-test_gap --no-figures --run-dir run " + options, "env -C " + folder.path().string() + " " + environment + " ");
    }
    [[nodiscard]] std::string model() const { return read_plain(path("run/model.safetensors")); }
    /// Resumes the run and returns the output.
    [[nodiscard]] std::string resumed(const std::string &options, const std::string &environment = "") const {
        Run result = train("--resume " + options, environment);
        CAPTURE(result.output);
        CHECK(result.status == 0);
        return result.output;
    }
    /// Checks that --resume is refused and changes no file. Returns the error line.
    [[nodiscard]] std::string refused(const std::string &options, const std::string &environment = "") const {
        const auto files = [&] {
            std::map<std::string, std::string> all;
            for (const auto &entry : std::filesystem::directory_iterator(path("run")))
                all[entry.path().string()] = read_plain(entry.path());
            return all;
        };
        const auto before = files();
        Run result = train("--resume " + options, environment);
        CHECK(result.status == 1);
        CHECK(result.output.starts_with("error: "));
        CHECK(result.output.find('\n') == result.output.size() - 1);
        CHECK(files() == before);
        return result.output;
    }
};

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("train: --resume goes on with the data of the run, whatever CASTNET_DATA says") {
    const DataRuns runs;
    REQUIRE(runs.train("--epochs 2 --data a.npy").status == 0);
    const std::string whole = runs.model();
    REQUIRE(runs.train("--epochs 1 --data a.npy").status == 0);
    CHECK(contains(runs.resumed("--epochs 2", "CASTNET_DATA=" + runs.path("b.npy")), "40 images of 12x10x1 from " + runs.path("a.npy")));
    CHECK(runs.model() == whole);

    // Also accepts data from CASTNET_DATA that is now given in another way.
    REQUIRE(runs.train("--epochs 1", "CASTNET_DATA=a.npy").status == 0);
    (void)runs.resumed("--epochs 2");
    CHECK(runs.model() == whole);
    CHECK(contains(runs.resumed("--data ./a.npy"), "from ./a.npy"));
}

TEST_CASE("train: --resume follows data that was moved, and says where it reads") {
    const DataRuns runs;
    REQUIRE(runs.train("--epochs 3 --data a.npy").status == 0);
    const std::string whole = runs.model();
    REQUIRE(runs.train("--epochs 1 --data a.npy").status == 0);
    std::filesystem::rename(runs.path("a.npy"), runs.path("moved.npy"));
    CHECK(contains(runs.resumed("--epochs 2", "CASTNET_DATA=moved.npy"), "from moved.npy"));
    CHECK(contains(runs.resumed("--epochs 3"), "from " + runs.path("moved.npy")));
    CHECK(runs.model() == whole);
    std::filesystem::create_directory(runs.path("folder"));
    std::filesystem::rename(runs.path("moved.npy"), runs.path("folder/train.npy"));
    CHECK(contains(runs.resumed("--data folder"), "from folder"));
}

TEST_CASE("train: --resume on other data is refused with both named, and nothing is written") {
    const DataRuns runs;
    REQUIRE(runs.train("--epochs 1 --data a.npy").status == 0);
    const std::string earlier = "checkpoint.safetensors: the run was trained on 40 images from " + runs.path("a.npy") + " (CRC-32 ",
                      other = "; 40 images from " + runs.path("b.npy") + " (CRC-32 ", advice = ") are others; give the run's own by --data";
    const auto check_both = [&](const std::string &line) {
        CAPTURE(line);
        CHECK(contains(line, earlier));
        CHECK(contains(line, other));
        CHECK(contains(line, advice));
    };
    check_both(runs.refused("--epochs 2 --data b.npy"));
    check_both(runs.refused("--epochs 2 --data b.npy", "CASTNET_DATA=a.npy"));
    const std::string images = read_plain(runs.path("a.npy"));
    std::string changed = images;
    changed.back()++;
    write_plain(runs.path("a.npy"), changed);
    CHECK(contains(runs.refused("--epochs 2"), "; 40 images from " + runs.path("a.npy") + " (CRC-32 "));
    std::filesystem::remove(runs.path("a.npy"));
    check_both(runs.refused("--epochs 2", "CASTNET_DATA=b.npy"));
    const std::string none = runs.refused("--epochs 2");
    CHECK(contains(none, earlier));
    CHECK(contains(none, "); no data: give "));
    write_plain(runs.path("c.npy"), npy_bytes(npy_header("|u1", "1, 10, 12"), std::string(120, '\0')));
    const std::string shape = runs.refused("--epochs 2", "CASTNET_DATA=c.npy");
    CHECK(contains(shape, earlier));
    CHECK(contains(shape, "); c.npy: its shape is (1, 10, 12)"));
    write_plain(runs.path("a.npy"), images);
    (void)runs.resumed("--epochs 2");
}

TEST_CASE("train: --resume on the same images with other labels is refused") {
    const Runs runs;
    (void)runs.model("run", "--epochs 1 --classes 1,5");
    (void)runs.model("run", "--resume --epochs 2");
    for (const char *part : {"train", "t10k"})
        write_gzip(runs.data + "/" + part + "-labels-idx1-ubyte.gz", idx_bytes(0x08, {65}, std::string(65, '\1')));
    check_error(runs.command("run", "--resume --epochs 3"), "; 65 images from " + runs.data + " (CRC-32 ");
}

TEST_CASE("train: a checkpoint of an earlier version is resumed on the data that is found, with a warning") {
    const DataRuns runs;
    REQUIRE(runs.train("--epochs 2 --data a.npy").status == 0);
    const std::string whole = runs.model();
    REQUIRE(runs.train("--epochs 1 --data a.npy").status == 0);
    TensorFile checkpoint = read_safetensors(runs.path("run/checkpoint.safetensors"));
    std::erase_if(checkpoint.metadata, [](const auto &entry) { return entry.first.starts_with("data "); });
    checkpoint.metadata.at("layers") =
        "conv2d filters=4 kernel=2 stride=3 activation=sigmoid name=squeeze\n"
        "conv2d_transpose filters=6 kernel=1x2 stride=3 activation=relu name=stretch\n"
        "conv2d_transpose filters=1 kernel=1x2";
    write_safetensors(runs.path("run/checkpoint.safetensors"), checkpoint);
    CHECK(contains(
        runs.resumed("--epochs 2", "CASTNET_DATA=a.npy"),
        "checkpoint.safetensors: does not tell what the run was trained on; it goes on with 40 images from " + runs.path("a.npy")));
    CHECK(runs.model() == whole);
    CHECK_FALSE(contains(runs.resumed(""), "does not tell"));
}

TEST_CASE("train: data at a path that is no UTF-8 is trained on") {
    const DataRuns runs;
    write_plain(runs.path("\xff.npy"), read_plain(runs.path("a.npy")));
    REQUIRE(runs.train("--epochs 1 --data \xff.npy").status == 0);
    (void)runs.resumed("--epochs 2 --data \xff.npy");
}

TEST_CASE("programs: a checkpoint of another network with the same tensors is refused, by every use of it") {
    const Runs runs;
    (void)runs.model("run", "--epochs 1");
    const std::string file = runs.path("run") + "/checkpoint.safetensors", explore = "explore-test_gap evaluate --data " + runs.data;
    const TensorFile sound = read_safetensors(file);
    const auto change = [&](const std::string &from, const std::string &to) {
        TensorFile changed = sound;
        std::string &layers = changed.metadata.at("layers");
        layers.replace(layers.find(from), from.size(), to);
        write_safetensors(file, changed);
    };
    const std::string relu =
        "has the layer 1 'conv2d filters=4 kernel=2x2 stride=3x3 padding=valid activation=relu l2=0 name=squeeze' where";
    change("activation=sigmoid", "activation=relu");
    check_error(runs.command("run", "--resume --epochs 2"), relu);
    check_error(runs.command("other", "--init " + file), relu);
    check_error(explore + " --model " + file, relu);
    change("l2=0 name=stretch", "l2=0.001 name=stretch");
    check_error(runs.command("run", "--resume --epochs 2"), "activation=relu l2=0.001 name=stretch' where");
    CHECK(run(runs.command("other", "--epochs 0 --init " + file)).status == 0);
    CHECK(run(explore + " --model " + file).status == 0);
}

TEST_CASE("train: val_loss holds the penalties, as the loss does") {
    // Both are equal if all images are the same and no weight moves.
    const TemporaryFolder folder;
    const std::string data = (folder.path() / "x.npy").string(), directory = (folder.path() / "run").string();
    write_plain(data, npy_bytes(npy_header("|u1", "20, 17, 23, 2"), std::string(std::size_t{20} * 17 * 23 * 2, '\x40')));
    REQUIRE(run("train-test_odd --quiet --no-figures --epochs 1 --learning-rate 0 --validation-split 0.5 --data " + data + " --run-dir " +
                directory)
                .status == 0);
    std::istringstream history(read_plain(directory + "/history.csv"));
    std::string cell;
    std::vector<std::string> cells;
    while (std::getline(history, cell, ',')) cells.push_back(cell);
    REQUIRE(cells.size() == 9);  // the header's last cell and the line's first count as one
    const double loss = std::stod(cells[5]), val_loss = std::stod(cells[6]);
    CHECK(loss > 0.03);
    CHECK(val_loss == doctest::Approx(loss).epsilon(1e-4));

    // Both are the model's mean squared error plus its penalties.
    const TensorFile model = read_safetensors(directory + "/model.safetensors");
    double penalty = 0;
    for (const float w : model.find("conv2d_1/kernel")->values) penalty += 0.001 * w * w;
    for (const float w : model.find("conv2d_transpose_1/kernel")->values) penalty += 0.01 * w * w;
    const std::string evaluated = run("explore-test_odd evaluate --data " + data + " --model " + directory + "/model.safetensors").output;
    CHECK(val_loss == doctest::Approx(std::stod(evaluated.substr(evaluated.rfind(' '))) + penalty).epsilon(1e-4));
}

TEST_CASE("train: Ctrl-C, SIGTERM and SIGHUP finish the step, save, and say how to go on") {
    const Runs runs;
    for (const auto &[directory_name, number] : {std::pair{"int", SIGINT}, {"term", SIGTERM}, {"it hangs up", SIGHUP}}) {
        const char *const name = directory_name;  // not a structured binding, because doctest captures it
        const int signal = number;
        CAPTURE(name);
        const std::string directory =
            "--run-dir " + (std::string(name).find(' ') == std::string::npos ? runs.path(name) : "'" + runs.path(name) + "'");
        Running running("train-test_gap --epochs 100000 --batch-size 4 --no-figures --data " + runs.data + " " + directory);
        CHECK(running.says("Epoch 2/"));
        running.send(signal);
        if (signal == SIGHUP) running.send(signal);  // a shell sends it again after its terminal
        const Run result = running.end();
        CAPTURE(result.output);
        CHECK(result.status == 0);
        CHECK(result.output.find("images; continue with train-test_gap --resume " + directory + "\n") != std::string::npos);
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
    CHECK(read_plain(errors) ==
          "error: standard output cannot be written; the run is saved, continue with train-test_gap --resume --run-dir " +
              runs.path("run") + "\n");
    CHECK(std::stoi(runs.epoch("run")) >= 2);
    CHECK(std::filesystem::exists(runs.path("run") + "/model.safetensors"));
    CHECK(run(runs.command("run", "--resume --time-limit 0.01")).status == 0);
}

TEST_CASE("train: a schedule ends with --epochs, and says what more of them change") {
    const Runs runs;
    // With one step per epoch and a nearly constant gradient, Adam's steps are the rates, and the bias is their sum.
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
    checkpoint.metadata["option --schedule"] = "1";  // cosine was stored as 1 once
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

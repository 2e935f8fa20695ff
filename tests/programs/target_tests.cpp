// Tests targets that are not the input: of their own, and of images that the network sees corrupted.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <sstream>

#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/data/npy.h"
#include "train/files/safetensors.h"

namespace castnet::test {
namespace {

/// A folder with data for test_gap and test_colour, in which commands run.
struct Place {
    TemporaryFolder folder;
    Place() {
        write_dataset(path("labelled"), 65, {12, 10});
        // The same images, labelled otherwise: in the order 5, 6, 1.
        write_dataset(path("relabelled"), 65, {12, 10});
        std::string labels;
        for (int i = 0; i < 65; i++) labels += "\5\6\1"[i % 3];
        for (const char *part : {"train", "t10k"})
            write_gzip(path("relabelled") + "/" + part + "-labels-idx1-ubyte.gz", idx_bytes(0x08, {65}, labels));
        const auto bytes = [&](const char *name, const std::string &shape, std::size_t count, unsigned factor) {
            std::string data;
            for (std::size_t i = 0; i < count; i++) data += static_cast<char>(i * i % 251 * factor);
            write_plain(path(name), npy_bytes(npy_header("|u1", shape), data));
        };
        bytes("a.npy", "65, 12, 10", std::size_t{65} * 120, 1);
        bytes("b.npy", "65, 12, 10", std::size_t{65} * 120, 3);
        bytes("zeros.npy", "65, 12, 10", std::size_t{65} * 120, 0);
        bytes("short.npy", "64, 12, 10", std::size_t{64} * 120, 3);
        bytes("grey.npy", "65, 12, 12", std::size_t{65} * 144, 1);
        std::vector<float> colours(std::size_t{65} * 432);
        for (std::size_t i = 0; i < colours.size(); i++) colours[i] = static_cast<float>(i % 89) / 88;
        write_npy(path("colours.npy"), {65, 12, 12, 3}, colours);
    }

    [[nodiscard]] std::string path(const std::string &name) const { return (folder.path() / name).string(); }
    [[nodiscard]] Run run(const std::string &command) const { return test::run(command, "env -C " + folder.path().string() + " "); }
    [[nodiscard]] std::string succeed(const std::string &command) const {
        const Run result = run(command);
        CAPTURE(command);
        CAPTURE(result.output);
        REQUIRE(result.status == 0);
        return result.output;
    }
    /// Checks that the command ends with one line that begins so.
    void refuse(const std::string &command, const std::string &reason) const {
        const Run result = run(command);
        CAPTURE(command);
        CAPTURE(result.output);
        CHECK(result.status == 1);
        CHECK(result.output.starts_with("error: "));
        CHECK(result.output.find(reason) != std::string::npos);
        CHECK(result.output.find('\n') == result.output.size() - 1);
    }
    static std::string train(const std::string &options, const std::string &network = "test_gap") {
        return fmt::format("train-{} --quiet --no-figures --run-dir run {}", network, options);
    }
    /// Trains and returns the model's bytes.
    [[nodiscard]] std::string model(const std::string &options, const std::string &network = "test_gap") const {
        (void)succeed(train(options, network));
        return read_plain(path("run/model.safetensors"));
    }
    [[nodiscard]] std::string explore(const std::string &command, const std::string &options,
                                      const std::string &network = "test_gap") const {
        return succeed(fmt::format("explore-{} {} --model run/model.safetensors {}", network, command, options));
    }
    /// Returns a column of the history: 1 is the loss, 2 val_loss.
    [[nodiscard]] std::vector<std::string> column(int number) const {
        std::istringstream lines(read_plain(path("run/history.csv")));
        std::vector<std::string> values;
        std::string line;
        std::getline(lines, line);
        while (std::getline(lines, line)) {
            std::istringstream cells(line);
            std::string cell;
            for (int i = 0; i <= number; i++) std::getline(cells, cell, ',');
            values.push_back(cell);
        }
        return values;
    }
};

TEST_CASE("targets: corrupted images give the same bytes with any number of threads, and other ones than clean images") {
    const Place place;
    const std::string options = "--data a.npy --epochs 3 --batch-size 16 ", clean = place.model(options);
    for (const std::string corruption : {"--noise 0.3", "--mask 0.2", "--noise 0.3 --mask 0.2"}) {
        CAPTURE(corruption);
        const std::string one = place.model(options + corruption + " --threads 1");
        CHECK(one != clean);
        CHECK(place.model(options + corruption + " --threads 3") == one);
        CHECK(place.model(options + corruption + " --seed 1") != one);
    }
    CHECK(place.model(options + "--noise 0 --mask 0") == clean);
}

TEST_CASE("targets: a denoising run that is resumed after each step gives the bytes of an uninterrupted one") {
    const Place place;
    const std::string options = "--data a.npy --targets b.npy --noise 0.3 --mask 0.1 --epochs 3 --batch-size 16 --validation-split 0.2 ";
    const std::string whole = place.model(options);
    const std::vector<std::string> losses = place.column(1), validation = place.column(2);
    (void)place.succeed(place.train(options + "--time-limit 1e-9"));
    for (int step = 1; step < 12; step++) (void)place.succeed(place.train("--resume --time-limit 1e-9"));  // 52 images, 4 steps
    CHECK(read_safetensors(place.path("run/checkpoint.safetensors")).metadata.at("step") == "12");
    CHECK(place.model("--resume") == whole);
    CHECK(place.column(1) == losses);
    CHECK(place.column(2) == validation);
    place.refuse(place.train("--resume --noise 0.4"), "--noise 0.4: the run began with 0.3");
    place.refuse(place.train("--resume --mask 0.4"), "--mask 0.4: the run began with 0.1");
}

TEST_CASE("targets: each epoch draws its noise anew, and val_loss always has the same") {
    const Place place;
    (void)place.model("--data a.npy --noise 0.3 --learning-rate 0 --epochs 3 --validation-split 0.2");
    const std::vector<std::string> losses = place.column(1), validation = place.column(2);
    REQUIRE(losses.size() == 3);
    CHECK(losses[0] != losses[1]);
    CHECK(losses[1] != losses[2]);
    CHECK(losses[0] != losses[2]);
    CHECK(validation == std::vector<std::string>(3, validation.front()));
    // Another seed draws other noise, not only another order.
    std::filesystem::rename(place.path("run/model.safetensors"), place.path("m.safetensors"));
    const auto loss_of = [&](const std::string &options) {
        (void)place.model("--data a.npy --init m.safetensors --learning-rate 0 --epochs 1 --batch-size 65 " + options);
        return std::stod(place.column(1).front());
    };
    CHECK(loss_of("--seed 1") == doctest::Approx(loss_of("--seed 2")).epsilon(1e-6));
    CHECK(loss_of("--mask 0.5 --seed 1") != doctest::Approx(loss_of("--mask 0.5 --seed 2")).epsilon(1e-5));
}

TEST_CASE("targets: the loss is that of clean targets") {
    const Place place;
    // A network that sees nothing of its images is one that sees zeros.
    const std::string options = "--epochs 2 --validation-split 0.2 ", masked = place.model(options + "--data a.npy --mask 1");
    const std::vector<std::string> losses = place.column(1), validation = place.column(2);
    CHECK(place.model(options + "--data zeros.npy --targets a.npy") == masked);
    CHECK(place.column(1) == losses);
    CHECK(place.column(2) == validation);
    const std::string zeros = " --data zeros.npy --targets a.npy";
    CHECK(place.explore("evaluate", "--data a.npy --mask 1") == place.explore("evaluate", zeros));
    CHECK(place.explore("evaluate", "--data a.npy --mask 1") != place.explore("evaluate", "--data a.npy"));
    CHECK(place.explore("reconstruct", "--images a.npy --mask 1") == place.explore("reconstruct", "--images zeros.npy --targets a.npy"));
    CHECK(place.explore("anomalies", "--data a.npy --mask 1") == place.explore("anomalies", zeros));
    // Images may be their own targets.
    CHECK(place.model("--epochs 2 --data a.npy --targets a.npy") == place.model("--epochs 2 --data a.npy"));
}

TEST_CASE("targets: the images' labels choose both") {
    const Place place;
    const std::string options = "--epochs 2 --classes 1,6 --data labelled", plain = place.model(options);
    CHECK(place.model(options + " --targets labelled") == plain);
    CHECK(place.model(options + " --targets relabelled") == plain);
    CHECK(place.model("--epochs 2 --classes 1,6 --data relabelled --targets labelled") != plain);
    for (const char *command : {"evaluate", "reconstruct"})
        CHECK(place.explore(command, "--data labelled --classes 5 --targets relabelled") ==
              place.explore(command, "--data labelled --classes 5"));
    CHECK(place.explore("anomalies", "--data labelled --normal 5 --targets relabelled") ==
          place.explore("anomalies", "--data labelled --normal 5"));
    place.refuse(place.train("--data labelled --targets labelled --classes 7"), "has no train image of the classes 7");
    place.refuse(place.train("--data a.npy --targets labelled --classes 1"), "--classes 1: the data have no labels");
}

TEST_CASE("targets: bytes and floats of another shape than the images") {
    const Place place;
    const std::string options = "--data grey.npy --targets colours.npy --epochs 3 ", model = place.model(options, "test_colour");
    CHECK(place.model(options + "--threads 3", "test_colour") == model);
    CHECK(place.explore("evaluate", "--data grey.npy --targets colours.npy", "test_colour").find("on 65 test images: ") !=
          std::string::npos);
    CHECK(place.explore("reconstruct", "--images grey.npy --out y.npy", "test_colour") ==
          "wrote y.npy\n65 reconstructed; their loss needs --targets\n");
    CHECK(read_npy(place.path("y.npy")).shape == std::vector<std::size_t>{65, 12, 12, 3});
    const std::string advice = "test_colour makes 12x12x3 of 12x12x1, so that its input cannot be its target; give targets by --targets";
    place.refuse(place.train("--data grey.npy", "test_colour"), advice);
    for (const char *command : {"evaluate", "anomalies"})
        place.refuse(fmt::format("explore-test_colour {} --model run/model.safetensors --data grey.npy", command), advice);
    if (std::system("command -v gnuplot >/dev/null") != 0) return;
    CHECK(place.explore("reconstruct", "--images grey.npy --targets colours.npy --plot a.svg", "test_colour").starts_with("wrote a.svg\n"));
    (void)place.succeed("train-test_colour --quiet --run-dir figures " + options);
    const std::string page = read_plain(place.path("figures/report.html"));
    CHECK(page.find("below them what the network makes of them, and what it should.") != std::string::npos);
    CHECK(page.find("12x12x1 to a code of 4x4x4 and on to 12x12x3") != std::string::npos);
    CHECK(page.find("<dt>--targets</dt><dd>colours.npy</dd>") != std::string::npos);
}

TEST_CASE("targets: what does not fit is said in one line") {
    const Place place;
    place.refuse(place.train("--data a.npy --targets short.npy"), "short.npy: holds 64 train targets for 65 images; give one for each");
    place.refuse(place.train("--data short.npy --targets a.npy"), "a.npy: holds 65 train targets for 64 images; give one for each");
    place.refuse(place.train("--data a.npy --targets grey.npy"), "grey.npy: its shape is (65, 12, 12), it must be (n, 12, 10, 1)");
    place.refuse(place.train("--data a.npy --targets none.npy"), "none.npy: there is no such file or folder");
    place.refuse(place.train("--data a.npy --targets run"), "run: there is no such file or folder");
    CHECK_FALSE(std::filesystem::exists(place.path("run")));
    (void)place.model("--data a.npy --epochs 0");
    const std::string images = " --model run/model.safetensors --images a.npy ";
    place.refuse("explore-test_gap reconstruct" + images + "--targets short.npy", "short.npy: holds 64 test targets for 65 images");
    place.refuse("explore-test_gap anomalies" + images + "--data short.npy --targets short.npy", "holds 64 test targets for 65 images");
}

TEST_CASE("targets: --resume goes on with the run's own, wherever they lie, and with no others") {
    const Place place;
    const std::string options = "--data a.npy --targets b.npy ", whole = place.model(options + "--epochs 3");
    (void)place.model(options + "--epochs 1");
    (void)place.model("--resume --epochs 2");
    std::filesystem::rename(place.path("b.npy"), place.path("moved.npy"));
    place.refuse(place.train("--resume --epochs 3"), "the run's targets were 65 images from " + place.path("b.npy"));
    place.refuse(place.train("--resume --epochs 3 --targets a.npy"), "and now they are 65 images from " + place.path("a.npy"));
    CHECK(place.model("--resume --epochs 3 --targets moved.npy") == whole);
    (void)place.model("--data a.npy --epochs 1");
    place.refuse(place.train("--resume --epochs 2 --targets moved.npy"), "the run's targets were none, and now they are 65 images from");
}

}  // namespace
}  // namespace castnet::test

// Runs train and explore on every kind of data, with and without labels.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "tests/data/png_file.h"
#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/files/safetensors.h"

namespace castnet::test {
namespace {

constexpr std::uint32_t height = 12, width = 10, image_size = height * width;  // of test_gap

/// Returns different images, the same in every run.
std::string image_bytes(std::size_t count) {
    std::string bytes;
    std::uint32_t state = 7;
    for (std::size_t i = 0; i < count * image_size; i++) bytes += static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
    return bytes;
}

void write_images(const std::filesystem::path &file, std::size_t count) {
    write_plain(file, npy_bytes(npy_header("|u1", std::to_string(count) + ", 12, 10"), image_bytes(count)));
}

/// Writes the same images as PNGs, in a folder per class, or directly if there are no classes.
void write_pngs(const std::filesystem::path &folder, std::size_t count, const std::vector<std::string> &classes) {
    const std::string bytes = image_bytes(count);
    for (std::size_t i = 0; i < count; i++) {
        const std::filesystem::path file =
            folder / (classes.empty() ? "" : classes[i % classes.size()]) / (std::to_string(100 + i) + ".png");
        std::filesystem::create_directories(file.parent_path());
        write_plain(file, png_bytes({.height = height, .width = width}, bytes.substr(i * image_size, image_size)));
    }
}

std::string output(const std::string &command) {
    CAPTURE(command);
    const Run result = run(command);
    CAPTURE(result.output);
    REQUIRE(result.status == 0);
    return result.output;
}

/// A folder, and commands on data in it.
struct Commands {
    TemporaryFolder folder;
    [[nodiscard]] std::string path(const std::string &name) const { return (folder.path() / name).string(); }
    [[nodiscard]] std::string train(const std::string &data, const std::string &options = "") const {
        return "train-test_gap --quiet --no-figures --epochs 2 --data " + path(data) + " --run-dir " + path("run") + " " + options;
    }
    [[nodiscard]] std::string explore(const std::string &command, const std::string &options) const {
        return "explore-test_gap " + command + " --model " + path("run") + "/model.safetensors " + options;
    }
    /// Trains on the data and returns the model's bytes.
    [[nodiscard]] std::string model(const std::string &data, const std::string &options = "") const {
        CHECK(output(train(data, options)).empty());
        return read_plain(path("run") + "/model.safetensors");
    }
    [[nodiscard]] std::vector<std::string> lines(const std::string &file) const {
        std::vector<std::string> all;
        std::istringstream text(read_plain(path(file)));
        for (std::string line; std::getline(text, line);) all.push_back(line);
        return all;
    }
};

TEST_CASE("data: the same images give the same model from a .npy file, a folder of them, and PNGs") {
    const Commands commands;
    write_images(commands.path("x.npy"), 40);
    std::filesystem::create_directory(commands.path("npy"));
    write_images(commands.path("npy/train.npy"), 40);
    write_pngs(commands.path("png"), 40, {});
    write_pngs(commands.path("parts/train"), 40, {});
    write_pngs(commands.path("parts/test"), 5, {});
    const std::string reference = commands.model("x.npy", "--validation-split 0.2");
    for (const char *data : {"npy", "png", "parts"}) {
        CAPTURE(data);
        CHECK(commands.model(data, "--validation-split 0.2") == reference);
    }
}

TEST_CASE("data: explore evaluates, encodes and judges unlabelled images, whatever holds them") {
    const Commands commands;
    write_images(commands.path("x.npy"), 40);
    write_pngs(commands.path("png"), 40, {});
    for (const std::string data : {"x.npy", "png"}) {
        CAPTURE(data);
        (void)commands.model(data);
        const std::string option = "--data " + commands.path(data);
        CHECK(output(commands.explore("evaluate", option)).find("on 40 test images: 0.") != std::string::npos);
        (void)output(commands.explore("encode", option + " --samples 7 --csv " + commands.path("z.csv")));
        CHECK(commands.lines("z.csv").size() == 8);
        CHECK(commands.lines("z.csv").at(1).starts_with(","));  // no label
        (void)output(commands.explore("reconstruct", option + " --index 39 --out " + commands.path("y.npy")));

        std::filesystem::remove_all(commands.path("out"));
        const std::string judged = output(commands.explore("anomalies", option + " --false-alarms 0.1 --out " + commands.path("out")));
        CHECK(judged.find("ROC") == std::string::npos);
        CHECK(judged.find("40 images; mean squared error 0.") != std::string::npos);
        CHECK(judged.find("on 40 training images: 4 images are above it, 10%") != std::string::npos);
        const std::vector<std::string> scores = commands.lines("out/scores.csv");
        CHECK(scores.size() == 41);
        CHECK(scores.at(0) == "index,label,anomalous,score,alarm,threshold");
        CHECK(scores.at(1).starts_with("0,,,0."));
        CHECK(std::ranges::count_if(scores, [](const std::string &line) { return line.find(",1,") != std::string::npos; }) == 4);
        const bool gnuplot = std::system("command -v gnuplot >/dev/null") == 0;
        for (const char *figure : {"out/histogram.svg", "out/surprising.svg"})
            CHECK(std::filesystem::exists(commands.path(figure)) == gnuplot);
        CHECK_FALSE(std::filesystem::exists(commands.path("out/roc.svg")));
    }
}

TEST_CASE("data: classes are those of folders, and --classes and --normal are refused where there are no labels") {
    const Commands commands;
    write_pngs(commands.path("labelled"), 42, {"bent", "good", "worn"});
    write_images(commands.path("x.npy"), 40);
    const std::string labelled = "--data " + commands.path("labelled"), unlabelled = "--data " + commands.path("x.npy");
    (void)commands.model("labelled", "--classes good");
    CHECK(output(commands.explore("evaluate", labelled + " --classes bent,worn")).find("on 28 test images") != std::string::npos);
    CHECK(output(commands.explore("anomalies", labelled + " --normal good")).find("14 normal test images and 28 others") !=
          std::string::npos);
    CHECK(output(commands.explore("anomalies", labelled)).find("42 images; mean squared error") != std::string::npos);
    for (const std::string other : {"1", "cat"})
        check_error(commands.train("labelled", "--classes worn," + other),
                    "'" + other + "' is no class of the data; give some of bent, good, worn, separated by commas, or all");
    check_error(commands.explore("anomalies", labelled + " --normal 1"), "--normal 1: '1' is no class of the data; give some of bent");
    check_error(commands.train("x.npy", "--classes 1,5"), "--classes 1,5: the data have no labels; leave it out");
    check_error(commands.explore("evaluate", unlabelled + " --classes 1"), "--classes 1: the data have no labels; leave it out");
    check_error(commands.explore("anomalies", unlabelled + " --normal 1"), "--normal 1: the data have no labels; leave it out");
    check_error(commands.explore("anomalies", unlabelled + " --normal x"), "--normal x: 'x' is not a label");
    CHECK(run(commands.explore("evaluate", unlabelled + " --classes all")).status == 0);

    // The threshold of normal images also judges other images.
    const std::string judged = output(commands.explore("anomalies", labelled + " --normal good --images " + commands.path("x.npy")));
    CHECK(judged.find("40 images; ") != std::string::npos);
    CHECK(judged.find("on 14 training images") != std::string::npos);
    check_error(commands.explore("anomalies", labelled + " --images " + commands.path("none.npy")), "cannot be opened");
}

TEST_CASE("data: names of classes are in CSV files and legends, and a run is resumed with them") {
    const Commands commands;
    const std::vector<std::string> names{"a, b", "it's \"<c>\"", "line\nset output", "\xff", "good"};
    write_pngs(commands.path("labelled"), 40, names);
    const std::string labelled = "--data " + commands.path("labelled");
    (void)commands.model("labelled", "--classes good");
    const std::string resume = "train-test_gap --quiet --no-figures --resume --epochs 3 " + labelled + " --run-dir " + commands.path("run");
    CHECK(output(resume).empty());
    check_error(resume + " --classes all", "the run began with good");

    const std::string plot = commands.path("latent.svg");
    const bool gnuplot = std::system("command -v gnuplot >/dev/null") == 0;
    (void)output(commands.explore("encode", labelled + " --csv " + commands.path("z.csv") + (gnuplot ? " --plot " + plot : "")));
    const std::string codes = read_plain(commands.path("z.csv"));
    for (const char *field : {"\n\"a, b\",", "\n\"it's \"\"<c>\"\"\",", "\n\"line\nset output\",", "\n\xff,"})
        CHECK(codes.find(field) != std::string::npos);
    (void)output(commands.explore("anomalies", labelled + " --normal good --out " + commands.path("out")));
    CHECK(read_plain(commands.path("out/scores.csv")).find("\n0,\"a, b\",1,0.") != std::string::npos);
    if (!gnuplot) return;
    const std::string picture = read_plain(plot);
    for (const std::string text : {">a, b<", ">it's \"&lt;c>\"<", ">line set output<", ">\xef\xbf\xbd<"}) {
        CAPTURE(text);
        CHECK(picture.find(text) != std::string::npos);
    }
}

TEST_CASE("data: floats that look like bytes are warned of, once, and others are not") {
    const Commands commands;
    const auto said = [&](const std::vector<float> &of_an_image, const std::string &options = "") {
        std::vector<float> values;
        for (std::size_t i = 0; i < std::size_t{2} * image_size; i++) values.push_back(of_an_image[i % of_an_image.size()]);
        write_plain(commands.path("f.npy"), npy_bytes(npy_header("<f4", "2, 12, 10"), raw_bytes(values)));
        return output("train-test_gap --no-figures --epochs 2 --data " + commands.path("f.npy") + " --run-dir " + commands.path("run") +
                      " " + options);
    };
    const std::string warning = "warning: " + commands.path("f.npy") + ": its values reach 254, ", bytes = said({0, 254, 3});
    CHECK(bytes.find(warning) != std::string::npos);
    CHECK(bytes.find("warning") == bytes.rfind("warning"));
    CHECK(bytes.find("divide by 255, say, or store bytes as uint8\n") != std::string::npos);
    CHECK(said({0, 254, 3}, "--quiet").empty());
    for (const std::vector<float> &values : {std::vector<float>{0, 1, 0.5}, {0, 15}, {-0.1F, 20}, {-128, 127}})
        CHECK(said(values).find("warning") == std::string::npos);
}

TEST_CASE("data: labels that are missing where classes are wanted are an error by option, and else a warning, which name the file") {
    const Commands commands;
    write_dataset(commands.path("mnist"), 9, {28, 28});  // labels 1, 5, 6
    const std::string data = " --data " + commands.path("mnist"), labels = commands.path("mnist") + "/train-labels",
                      train = "train --no-figures --batch-size 4 --epochs 0 --run-dir " + commands.path("run") + data,
                      missing = labels + "-idx1-ubyte is missing, so all images are used, not only those of the classes 1,5,6\n";
    std::filesystem::rename(labels + "-idx1-ubyte.gz", labels + ".idx1-ubyte.gz");
    CHECK(output(train).find("warning") == std::string::npos);
    CHECK(output(train + " --classes 5").find("3 images of 28x28x1") != std::string::npos);
    std::filesystem::rename(labels + ".idx1-ubyte.gz", labels + ".gz");
    const std::string warned = output(train);
    CHECK(warned.find("warning: " + missing) != std::string::npos);
    CHECK(warned.find("9 images of 28x28x1") != std::string::npos);
    CHECK(output(train + " --quiet").empty());
    CHECK(output(train + " --classes all").find("warning") == std::string::npos);
    check_error(train + " --classes 5", "--classes 5: the data have no labels, there is no " + labels + "-idx1-ubyte; leave it out");
    CHECK(output("train --no-figures --epochs 0 --run-dir " + commands.path("one") + " --data " + commands.path("mnist") +
                 "/train-images-idx3-ubyte.gz")
              .find("9 images of 28x28x1") != std::string::npos);
    check_error("train --data " + commands.path("mnist") + "/t10k-labels-idx1-ubyte.gz", "holds 9 numbers in one dimension, like labels");

    const std::string explore = " --model " + commands.path("run") + "/model.safetensors" + data;
    CHECK(output("explore anomalies --normal 5" + explore).find("warning: " + labels + "-idx1-ubyte is missing, so all training images") !=
          std::string::npos);
    const std::string test_labels = commands.path("mnist") + "/t10k-labels-idx1-ubyte";
    std::filesystem::remove(test_labels + ".gz");
    CHECK(output("explore evaluate" + explore).find("warning: " + test_labels + " is missing") != std::string::npos);
    CHECK(output("explore anomalies" + explore).find("warning: " + test_labels + " is missing, so no image is known") != std::string::npos);
    check_error("explore anomalies --normal 5" + explore, "--normal 5: the data have no labels, there is no " + labels);
}

TEST_CASE("data: the default classes of a network are its own, and do not bind data without labels") {
    CHECK(output("train --help").find("1,5,6") != std::string::npos);
    CHECK(output("train-test_gap --help").find("1,5,6") == std::string::npos);
    const Commands commands;
    write_dataset(commands.path("mnist"), 9, {28, 28});  // labels 1, 5, 6
    write_plain(commands.path("x.npy"), npy_bytes(npy_header("|u1", "9, 28, 28"), std::string(std::size_t{9} * 28 * 28, '\x40')));
    const auto train = [&](const std::string &data, const std::string &options) {
        return "train --no-figures --batch-size 4 --data " + commands.path(data) + " --run-dir " + commands.path("run") + " " + options;
    };
    CHECK(output(train("mnist", "--epochs 0")).find("9 images of 28x28x1") != std::string::npos);
    CHECK(output(train("mnist", "--epochs 0 --classes 5")).find("3 images of 28x28x1") != std::string::npos);
    CHECK(output(train("x.npy", "--epochs 1")).find("9 images of 28x28x1") != std::string::npos);
    const TensorFile checkpoint = read_safetensors(commands.path("run") + "/checkpoint.safetensors");
    for (const auto &[name, value] : checkpoint.metadata) CHECK(value.find("--classes") == std::string::npos);
    check_error(train("x.npy", "--resume --epochs 2 --classes 1,5,6"), "--classes 1,5,6: the data have no labels");
    CHECK(output(train("x.npy", "--resume --epochs 2")).find("Epoch 2/2") != std::string::npos);
}

TEST_CASE("data: --resume on unlabelled images gives the bits of an uninterrupted run") {
    const Commands commands;
    write_images(commands.path("x.npy"), 40);
    const std::string whole = commands.model("x.npy", "--seed 3 --batch-size 9");
    CHECK(commands.model("x.npy", "--seed 3 --batch-size 9 --time-limit 1e-9") != whole);
    for (int part = 0; part < 12; part++) REQUIRE(run(commands.train("x.npy", "--resume --time-limit 1e-9")).status == 0);
    CHECK(commands.model("x.npy", "--resume") == whole);
}

TEST_CASE("data: a report is drawn for unlabelled images too") {
    const Commands commands;
    write_pngs(commands.path("png"), 40, {});
    REQUIRE(run("train-test_gap --quiet --epochs 1 --data " + commands.path("png") + " --run-dir " + commands.path("report")).status == 0);
    CHECK(std::filesystem::exists(commands.path("report/report.html")) == (std::system("command -v gnuplot >/dev/null") == 0));
}

TEST_CASE("data: what cannot be read is said in one line") {
    const Commands commands;
    write_pngs(commands.path("png"), 3, {});
    check_error("train-test_odd --data " + commands.path("png"), "PNG images become 1, 3 or 4 channels, and the network's have 2");
    check_error("train --data " + commands.path("png"), "the image is 12x10, the network's are 28x28");
    const std::string broken = commands.path("png") + "/101.png";
    write_plain(broken, read_plain(broken).substr(0, 80));
    check_error(commands.train("png"), "101.png: ");
    std::filesystem::create_directory(commands.path("empty"));
    check_error(commands.train("empty"), "holds no images that are understood");
    check_error("train-test_gap", "no data: give a .npy or IDX file, or a folder");
    const Run environment = run("train-test_gap --quiet --no-figures --run-dir " + commands.path("run"), "CASTNET_DATA=" + broken + " ");
    CHECK(environment.status == 1);
    CHECK(environment.output.find("101.png: does not begin as .npy does") != std::string::npos);
}

}  // namespace
}  // namespace castnet::test

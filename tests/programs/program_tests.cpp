// Tests train and explore as a user runs them: what they write, and their one-line error messages.
#include <doctest/doctest.h>

#include <limits>

#include <algorithm>
#include <cstdlib>
#include <span>
#include <tuple>

#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/data/npy.h"
#include "train/files/safetensors.h"

namespace castnet::test {
namespace {

/// A data set for the network test_gap, and a model trained on it.
struct Trained {
    TemporaryFolder folder;
    std::string data = (folder.path() / "data").string();
    std::string run_directory = (folder.path() / "run").string();
    std::string model = run_directory + "/model.safetensors";
    Trained() {
        write_dataset(data, 65, {12, 10});
        const Run result = run("train-test_gap --no-figures --epochs 2 --data " + data + " --run-dir " + run_directory);
        CAPTURE(result.output);
        REQUIRE(result.status == 0);
    }
    [[nodiscard]] std::string path(const std::string &name) const { return (folder.path() / name).string(); }
};

TEST_CASE("train: writes the model, the checkpoint and the history, one line an epoch") {
    const Trained trained;
    CHECK(std::filesystem::exists(trained.run_directory + "/checkpoint.safetensors"));
    const std::string history = read_plain(trained.run_directory + "/history.csv");
    CHECK(history.starts_with("epoch,loss,val_loss,seconds,images_per_second\n1,0."));
    CHECK(std::ranges::count(history, '\n') == 3);
    const TensorFile model = read_safetensors(trained.model);
    CHECK(model.metadata.at("network") == "test_gap");
    REQUIRE(model.find("stretch/kernel") != nullptr);
    CHECK(model.find("stretch/kernel")->shape == std::vector<std::size_t>{1, 2, 6, 4});
    const TensorFile checkpoint = read_safetensors(trained.run_directory + "/checkpoint.safetensors");
    CHECK(checkpoint.metadata.at("step") == "6");  // 65 images: 32, 32, 1
    CHECK(checkpoint.find("adam/v/squeeze/bias") != nullptr);
}

TEST_CASE("train: the same seed gives the same bytes for any number of threads, another seed does not") {
    const Trained trained;
    const auto model = [&](const std::string &options, const std::string &name) {
        const Run result = run("train-test_gap --no-figures --quiet --epochs 2 --data " + trained.data + " --run-dir " +
                               trained.path(name) + " " + options);
        CHECK(result.output.empty());
        REQUIRE(result.status == 0);
        return read_plain(trained.path(name) + "/model.safetensors");
    };
    const std::string reference = read_plain(trained.model);
    CHECK(model("--threads 1", "one") == reference);
    CHECK(model("--threads 3", "three") == reference);
    CHECK(model("--seed 1", "other") != reference);
    CHECK(model("--batch-size 7", "small") != reference);
}

TEST_CASE("train: keeps the files of an earlier run in the same folder") {
    const Trained trained;
    const std::string before = read_plain(trained.model);
    REQUIRE(run("train-test_gap --no-figures --quiet --seed 9 --epochs 1 --data " + trained.data + " --run-dir " + trained.run_directory)
                .status == 0);
    CHECK(read_plain(trained.run_directory + "/previous-1/model.safetensors") == before);
    CHECK(read_plain(trained.model) != before);
}

TEST_CASE("train: a validation split is measured, and a model can be the beginning") {
    const Trained trained;
    REQUIRE(run("train-test_gap --no-figures --quiet --epochs 1 --validation-split 0.2 --data " + trained.data + " --run-dir " +
                trained.path("split"))
                .status == 0);
    const std::string history = read_plain(trained.path("split") + "/history.csv");
    CHECK(history.find(",,") == std::string::npos);
    // With no epochs, the model comes out unchanged.
    REQUIRE(run("train-test_gap --no-figures --quiet --epochs 0 --init " + trained.model + " --data " + trained.data + " --run-dir " +
                trained.path("init"))
                .status == 0);
    CHECK(read_plain(trained.path("init") + "/model.safetensors") == read_plain(trained.model));
}

TEST_CASE("train: what is wrong is said in one line, and nothing is written") {
    const Trained trained;
    const std::string data = " --data " + trained.data, out = " --run-dir " + trained.path("none");
    check_error("train-test_gap" + out, "no data");
    check_error("train-test_gap --no-figures --data " + trained.path("missing") + out, "there is no such file or folder");
    check_error("train" + data + out, "images are 12x10, the network's are 28x28");
    check_error("train-test_gap --no-figures --classes 7" + data + out, "has no train image of the classes 7");
    check_error("train-test_gap --no-figures --classes one" + data + out, "'one' is not a label");
    check_error("train-test_gap --no-figures --epochs -1" + data + out, "--epochs");
    check_error("train-test_gap --no-figures --batch-size 0" + data + out, "--batch-size");
    check_error("train-test_gap --no-figures --threads 0" + data + out, "--threads");
    check_error("train-test_gap --no-figures --colour" + data + out, "--colour");
    check_error("train-test_gap --no-figures --init " + trained.path("missing") + data + out, "cannot be opened");
    check_error("train-test_gap --no-figures --run-dir /dev/null/run" + data, "cannot be written");
    write_plain(trained.path("garbage"), "garbage");
    check_error("train-test_gap --no-figures --init " + trained.path("garbage") + data + out, "is shorter than a header");
    const std::string images = trained.data + "/train-images-idx3-ubyte.gz";
    write_plain(images, read_plain(images).substr(0, 1000));
    check_error("train-test_gap" + data + out, "ends before its");
    CHECK_FALSE(std::filesystem::exists(trained.path("none")));
}

TEST_CASE("train: a learning rate that destroys the model is reported with the step, and the last checkpoint is kept") {
    const Trained trained;
    const std::string far = trained.path("far");
    const Run result =
        run("train-test_gap --no-figures --quiet --epochs 50 --learning-rate 1e30 --data " + trained.data + " --run-dir " + far);
    CAPTURE(result.output);
    CHECK(result.status == 1);
    CHECK(result.output.find(" in step 2 with a learning rate of 1e+30; begin again with a smaller --learning-rate") != std::string::npos);
    CHECK(run("explore-test_gap evaluate --model " + far + "/checkpoint.safetensors --data " + trained.data).status == 0);
    CHECK_FALSE(std::filesystem::exists(far + "/model.safetensors"));
}

TEST_CASE("train: images of an enormous scale are blamed beside the learning rate") {
    const Trained trained;
    std::vector<float> images(600, 1e20F);  // five of 12x10
    images[3] = -3e20F;
    write_npy(trained.path("x.npy"), {5, 12, 10, 1}, images);
    check_error("train-test_gap --no-figures --quiet --data " + trained.path("x.npy") + " --run-dir " + trained.path("huge"),
                " in step 1 with a learning rate of 0.001 on images with values up to 3e+20; begin again with images scaled to [0, 1] or a "
                "smaller --learning-rate");
}

TEST_CASE("programs: numbers keep their significant digits, however small") {
    const Trained trained;
    // Tiny images have tiny errors.
    std::vector<float> images(600);
    for (std::size_t i = 0; i < images.size(); i++) images[i] = 1e-9F * float(i % 7);
    write_npy(trained.path("x.npy"), {5, 12, 10, 1}, images);
    TensorFile model = read_safetensors(trained.model);
    for (Tensor &tensor : model.tensors) std::ranges::fill(tensor.values, 0.0F);
    write_safetensors(trained.path("zero.safetensors"), model);  // reproduces nothing, but passes its self-test of zeros
    const std::string data = " --data " + trained.path("x.npy"), zero = trained.path("zero.safetensors");
    double want = 0;
    for (const float value : images) want += double(value) * double(value) / double(images.size());

    const auto number_after = [](const std::string &text, const std::string &words) {
        REQUIRE(text.find(words) != std::string::npos);
        return std::stod(text.substr(text.find(words) + words.size()));
    };
    const std::string train =
        run("train-test_gap --no-figures --epochs 1 --learning-rate 0 --init " + zero + data + " --run-dir " + trained.path("small"))
            .output;
    CHECK(number_after(train, " - loss: ") == doctest::Approx(want).epsilon(1e-3));
    const std::string history = read_plain(trained.path("small") + "/history.csv");
    CHECK(number_after(history, "\n1,") == doctest::Approx(want).epsilon(1e-6));
    const std::string model_option = " --model " + zero;
    CHECK(number_after(run("explore-test_gap evaluate" + model_option + data).output, "test images: ") ==
          doctest::Approx(want).epsilon(1e-5));
    CHECK(number_after(run("explore-test_gap reconstruct --images " + trained.path("x.npy") + model_option).output, "reconstructed: ") ==
          doctest::Approx(want).epsilon(1e-5));
    const std::string judged = run("explore-test_gap anomalies" + model_option + data + " --out " + trained.path("out")).output;
    CHECK(number_after(judged, "mean squared error ") == doctest::Approx(want).epsilon(1e-5));
    CHECK(number_after(judged, "threshold ") > 1e-18);
    CHECK(number_after(read_plain(trained.path("out") + "/scores.csv"), "\n0,,,") > 1e-18);
}

TEST_CASE("programs: every file that explore writes is named") {
    const Trained trained;
    const std::string model = " --model " + trained.model, images = " --images " + trained.path("x.npy");
    write_npy(trained.path("x.npy"), {1, 12, 10, 1}, std::vector<float>(120, 0.5F));
    for (const auto &[command, option, name] : {std::tuple{"encode" + images, "--out", "z.npy"},
                                                {"encode" + images, "--csv", "z.csv"},
                                                {"decode --codes " + trained.path("z.npy"), "--out", "y.npy"},
                                                {"reconstruct" + images, "--out", "r.npy"},
                                                {std::string("export"), "--header", "w.h"},
                                                {"gradients" + images + " --targets " + trained.path("x.npy"), "--out", "g.safetensors"}}) {
        const std::string file = trained.path(name);
        std::string words = "explore-test_gap ";
        words.append(command).append(model).append(" ").append(option).append(" ").append(file);
        const Run result = run(words);
        CAPTURE(result.output);
        CHECK(result.status == 0);
        CHECK(result.output.find("wrote " + file + "\n") != std::string::npos);
        CHECK(std::filesystem::exists(file));
    }
    CHECK(run("explore-test_gap encode" + images + model + " --csv /dev/stdout").output.find("wrote") == std::string::npos);
    const std::string judged =
        run("explore-test_gap anomalies --normal 1 --data " + trained.data + model + " --out " + trained.path("out")).output;
    for (const auto &entry : std::filesystem::directory_iterator(trained.path("out")))
        CHECK(judged.find("wrote " + entry.path().string() + "\n") != std::string::npos);
}

TEST_CASE("train: a number that is not finite is refused with its place") {
    const Trained trained;
    std::vector<float> images(600, 0.5F);  // five of 12x10
    images[277] = std::numeric_limits<float>::quiet_NaN();
    write_npy(trained.path("x.npy"), {5, 12, 10, 1}, images);
    const std::string place = "x.npy: image 2 holds nan at row 3, column 7, channel 0; give finite numbers";
    check_error("train-test_gap --no-figures --data " + trained.path("x.npy") + " --run-dir " + trained.path("none"), place);
    check_error("explore-test_gap reconstruct --model " + trained.model + " --images " + trained.path("x.npy"), place);
    CHECK_FALSE(std::filesystem::exists(trained.path("none")));
}

TEST_CASE("explore: summary, evaluate, encode, decode and reconstruct agree with each other") {
    const Trained trained;
    const std::string model = " --model " + trained.model, data = " --data " + trained.data;
    CHECK(run("explore summary").output.find("Parameters: 51459") != std::string::npos);
    CHECK(run("explore-test_gap evaluate" + model + data).output.find("on 65 test images: 0.") != std::string::npos);

    REQUIRE(run("explore-test_gap encode" + model + data + " --out " + trained.path("z.npy") + " --csv " + trained.path("z.csv")).status ==
            0);
    const NpyArray codes = read_npy(trained.path("z.npy"));
    CHECK(codes.shape == std::vector<std::size_t>{65, 4, 3, 4});
    const std::string csv = read_plain(trained.path("z.csv"));
    CHECK(csv.starts_with("label,z0,z1,"));
    CHECK(std::ranges::count(csv, '\n') == 66);

    REQUIRE(run("explore-test_gap decode" + model + " --codes " + trained.path("z.npy") + " --out " + trained.path("decoded.npy")).status ==
            0);
    REQUIRE(run("explore-test_gap reconstruct --index 64" + model + data + " --out " + trained.path("y.npy")).status == 0);
    const NpyArray decoded = read_npy(trained.path("decoded.npy")), reconstructed = read_npy(trained.path("y.npy"));
    CHECK(decoded.shape == std::vector<std::size_t>{65, 12, 10, 1});
    CHECK(reconstructed.shape == std::vector<std::size_t>{1, 12, 10, 1});
    CHECK(std::ranges::equal(reconstructed.values, std::span(decoded.values).last(120)));

    // The gradients are named like the weights.
    REQUIRE(run("explore-test_gap gradients" + model + " --images " + trained.path("decoded.npy") + " --targets " +
                trained.path("decoded.npy") + " --out " + trained.path("g.safetensors"))
                .status == 0);
    const TensorFile gradients = read_safetensors(trained.path("g.safetensors")), weights = read_safetensors(trained.model);
    REQUIRE(gradients.find("loss") != nullptr);
    CHECK(gradients.find("loss")->shape.empty());
    CHECK(gradients.tensors.size() + 1 == weights.tensors.size());  // these add the loss, the weights a self-test of two
    for (const Tensor &weight : weights.tensors) {
        if (weight.name.starts_with("self_test/")) continue;
        REQUIRE(gradients.find(weight.name) != nullptr);
        CHECK(gradients.find(weight.name)->shape == weight.shape);
    }
}

TEST_CASE("explore: draws pictures where gnuplot is installed, and says so where it is not") {
    const Trained trained;
    const std::string model = " --model " + trained.model, data = " --data " + trained.data;
    const bool gnuplot = std::system("command -v gnuplot >/dev/null") == 0;
    const auto draws = [&](const std::string &command, const std::string &name, const std::string &beginning) {
        CAPTURE(command);
        const std::string arguments = "explore-test_gap " + command + model + " --plot " + trained.path(name);
        if (!gnuplot) return check_error(arguments, "install the package gnuplot-nox");
        const Run result = run(arguments);
        CAPTURE(result.output);
        CHECK(result.status == 0);
        CHECK(read_plain(trained.path(name)).starts_with(beginning));
    };
    draws("reconstruct --index 3" + data, "r.svg", "<?xml");
    draws("encode" + data, "latent.png", "\x89PNG");
    std::string code = "0.5";
    for (int i = 1; i < 48; i++) code += ",0.5";
    draws("decode --at " + code, "d.svg", "<?xml");
    if (gnuplot) CHECK(read_plain(trained.path("d.svg")).find("<text>0.5</text>") != std::string::npos);  // shows its code
    if (gnuplot) check_error("explore-test_gap encode" + data + model + " --plot /dev/null/x.svg", "gnuplot could not draw it");

    // Also draws a run's report.
    REQUIRE(run("train-test_gap --quiet --epochs 1 --data " + trained.data + " --run-dir " + trained.path("report")).status == 0);
    const std::string page = read_plain(trained.path("report") + "/report.html");
    CHECK(page.empty() != gnuplot);
    CHECK((!gnuplot || page.find("<dt>--seed</dt><dd>0</dd>") != std::string::npos));
}

TEST_CASE("explore: what is wrong is said in one line") {
    const Trained trained;
    const std::string model = " --model " + trained.model, data = " --data " + trained.data;
    check_error("explore", "needs a command");
    check_error("explore polish", "polish: is no command of explore");
    check_error("explore evaluate" + model + data, "is of the network test_gap, which has the input 12x10x1 where 28x28x1 is needed");
    check_error("explore-test_gap evaluate --model " + trained.path("missing") + data, "cannot be opened");
    check_error("explore-test_gap evaluate" + model, "no data");
    check_error("explore-test_gap reconstruct --index 65" + model + data, "--index 65: there are 65 test images");
    check_error("explore-test_gap decode --at 1,2 --out " + trained.path("y.npy") + model, "--at: 2 numbers given");
    check_error("explore-test_gap decode --at 1,2" + model, "nothing to write");
    check_error("explore-test_gap decode --out " + trained.path("y.npy") + model, "--at: 0 numbers given");
    check_error("explore-test_gap encode" + model + data, "nothing to write");
    write_npy(trained.path("two.npy"), {2, 12, 10, 1}, std::vector<float>(240));
    write_npy(trained.path("one.npy"), {1, 12, 10, 1}, std::vector<float>(120));
    check_error("explore-test_gap gradients --images " + trained.path("two.npy") + " --targets " + trained.path("one.npy") + " --out " +
                    trained.path("gradients") + model,
                "has 1 targets for 2 images; give one for each");
    write_npy(trained.path("x.npy"), {1, 10, 12, 1}, std::vector<float>(120));
    check_error("explore-test_gap reconstruct --images " + trained.path("x.npy") + model,
                "its shape is (1, 10, 12, 1), it must be (n, 12, 10, 1)");
    // Refuses a model without its names, and one with another network's shapes.
    TensorFile weights = read_safetensors(trained.model);
    weights.metadata.clear();
    weights.tensors.front().shape = {4, 1, 1, 4};
    write_safetensors(trained.path("shape.safetensors"), weights);
    check_error("explore-test_gap evaluate --model " + trained.path("shape.safetensors") + data,
                "of shape (4, 1, 1, 4) where (2, 2, 1, 4) is needed");
    weights.tensors.erase(weights.tensors.begin());
    write_safetensors(trained.path("missing.safetensors"), weights);
    check_error("explore-test_gap evaluate --model " + trained.path("missing.safetensors") + data, "holds no squeeze/kernel");
}

TEST_CASE("programs: without --data they take $CASTNET_DATA, then the cache") {
    const Trained trained;
    const std::string command = "explore-test_gap evaluate --model " + trained.model;
    const Run reference = run(command + " --data " + trained.data);
    REQUIRE(reference.status == 0);
    std::filesystem::create_directories(trained.path("home/.cache/castnet"));
    std::filesystem::create_directories(trained.path("cache/castnet"));
    std::filesystem::create_directory_symlink(trained.data, trained.path("home/.cache/castnet/mnist"));
    std::filesystem::create_directory_symlink(trained.data, trained.path("cache/castnet/mnist"));
    for (const std::string &variable : {"CASTNET_DATA=" + trained.data, "XDG_CACHE_HOME=" + trained.path("cache"),
                                        "HOME=" + trained.path("home"), "CASTNET_DATA= XDG_CACHE_HOME= HOME=" + trained.path("home")}) {
        CAPTURE(variable);
        const Run found = run(command, variable + " ");
        CHECK(found.status == 0);
        CHECK(found.output == reference.output);
    }
}

TEST_CASE("programs: what bootstrap.sh has put in MNIST's place is used, and said, until MNIST is complete") {
    const Trained trained;
    const std::string home = "HOME=" + trained.path("home") + " ", cache = trained.path("home/.cache/castnet/");
    std::filesystem::create_directories(cache);
    std::filesystem::create_directory_symlink(trained.data, cache + "fashion-mnist");
    const std::string note = cache + "fashion-mnist (Fashion-MNIST, as MNIST could not be downloaded)",
                      train = "train-test_gap --no-figures --epochs 1 --run-dir " + trained.path("again"),
                      model = " --model " + trained.model;
    const auto output = [&](const std::string &arguments) {
        const Run result = run(arguments, home);
        CHECK(result.status == 0);
        return result.output;
    };
    for (const bool is_begun : {false, true}) {  // no download of MNIST, or an incomplete one
        CAPTURE(is_begun);
        if (is_begun) {
            std::filesystem::create_directory(cache + "mnist");
            std::filesystem::copy(trained.data + "/train-images-idx3-ubyte.gz", cache + "mnist");
        }
        CHECK(output(train).find(" from " + note + ", ") != std::string::npos);
        for (const std::string &command :
             {"evaluate" + model, "reconstruct" + model, "anomalies --out " + trained.path("anomalies") + model})
            CHECK(output("explore-test_gap " + command).starts_with("data: " + note + "\n"));
    }
    std::filesystem::remove_all(cache + "mnist");
    std::filesystem::copy(trained.data, cache + "mnist");
    CHECK(output(train).find(" from " + cache + "mnist, ") != std::string::npos);
    CHECK(output("explore-test_gap evaluate" + model).starts_with("mean squared error"));
}

TEST_CASE("programs: a cache whose download did not end well is named, with what is missing and what to do") {
    const TemporaryFolder folder;
    const std::string mnist = (folder.path() / "castnet/mnist").string();
    std::filesystem::create_directories(mnist);
    const auto check = [&](const std::string &missing) {
        const Run result = run("train", "XDG_CACHE_HOME=" + folder.path().string() + " ");
        CHECK(result.status == 1);
        CHECK(result.output.starts_with("error: " + mnist + ": MNIST is incomplete, " + missing +
                                        " is missing; let cmake/bootstrap.sh train download it, or give "));
    };
    check("train-images-idx3-ubyte");
    write_plain(mnist + "/train-images-idx3-ubyte.gz", "");
    check("train-labels-idx1-ubyte");
}

TEST_CASE("programs: --help and --version end with status 0") {
    for (const std::string program : {"train", "explore"}) {
        CHECK(run(program + " --help").status == 0);
        CHECK(run(program + " --version").output == program + " 0.1.0\n");
    }
}

}  // namespace
}  // namespace castnet::test

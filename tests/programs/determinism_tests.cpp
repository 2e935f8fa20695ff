// Checks that the same seed and data give the same weights, to the bit: with any number of threads, in every run, resumed at any step.
#include <doctest/doctest.h>

#include <string>

#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/files/safetensors.h"

namespace castnet::test {
namespace {

/// Runs of one network on random images.
class Runs {
public:
    Runs(std::string program, std::uint32_t images, const std::vector<std::uint32_t> &shape) : program_(std::move(program)) {
        write_dataset(folder_.path() / "data", images, shape);
    }
    void train(const std::string &name, const std::string &options) const {
        const Run result = run(program_ + " --quiet --no-figures --data " + path("data") + " --run-dir " + path(name) + " " + options);
        CAPTURE(result.output);
        REQUIRE(result.status == 0);
    }
    /// Trains and returns the model's bytes.
    [[nodiscard]] std::string model(const std::string &name, const std::string &options) const {
        train(name, options);
        return read_plain(path(name) + "/model.safetensors");
    }
    [[nodiscard]] std::string step(const std::string &name) const {
        return read_safetensors(path(name) + "/checkpoint.safetensors").metadata.at("step");
    }

private:
    [[nodiscard]] std::string path(const std::string &name) const { return (folder_.path() / name).string(); }

    std::string program_;
    TemporaryFolder folder_;
};

TEST_CASE("determinism: 1 to 16 threads give the same bytes, in batches that have work for all of them") {
    const Runs runs("train-test_odd", 300, {17, 23, 2});
    for (const std::string options : {"--epochs 2 --batch-size 256", "--epochs 2 --batch-size 33",
                                      "--epochs 2 --batch-size 33 --optimizer sgd --momentum 0.9 --clip-norm 0.01"}) {
        CAPTURE(options);
        const std::string reference = runs.model("reference", options + " --threads 1");
        for (int threads = 2; threads <= 16; threads++) {
            CAPTURE(threads);
            CHECK(runs.model("threads", options + " --threads " + std::to_string(threads)) == reference);
        }
    }
}

TEST_CASE("determinism: ten runs give the same bytes") {
    const Runs runs("train-test_odd", 200, {17, 23, 2});
    const std::string options = "--epochs 2 --threads 4 --seed ", reference = runs.model("reference", options + "7");
    for (int repeat = 0; repeat < 10; repeat++) CHECK(runs.model("again", options + "7") == reference);
    CHECK(runs.model("other", options + "8") != reference);
}

TEST_CASE("determinism: resumed after each of 204 steps, a run gives the bytes of an uninterrupted one") {
    const Runs runs("train-test_gap", 85, {12, 10});
    const std::string options = "--epochs 12 --batch-size 4 --validation-split 0.2 --schedule cosine --seed 5";  // 68 images, 17 steps
    const std::string whole = runs.model("whole", options);
    CHECK(runs.step("whole") == "204");
    runs.train("parts", options + " --time-limit 1e-9");
    for (int step = 1; step < 204; step++) {
        REQUIRE(runs.step("parts") == std::to_string(step));
        runs.train("parts", "--resume --time-limit 1e-9");
    }
    CHECK(runs.model("parts", "--resume") == whole);
}

TEST_CASE("determinism: what dropout draws depends on neither threads nor interruptions") {
    const Runs runs("train-test_pool", 40, {11, 13, 3});
    const std::string options = "--epochs 3 --batch-size 16 --seed 5", whole = runs.model("whole", options + " --threads 1");
    for (const int threads : {2, 5}) CHECK(runs.model("threads", options + " --threads " + std::to_string(threads)) == whole);
    runs.train("parts", options + " --time-limit 1e-9");
    for (int step = 1; step < 9; step++) {
        REQUIRE(runs.step("parts") == std::to_string(step));
        runs.train("parts", "--resume --time-limit 1e-9");
    }
    CHECK(runs.model("parts", "--resume") == whole);
    CHECK(runs.model("other", "--epochs 3 --batch-size 16 --seed 6") != whole);
}

TEST_CASE("determinism: resumed after each step, a run with any optimizer gives the bytes of an uninterrupted one") {
    const Runs runs("train-test_gap", 85, {12, 10});
    for (const std::string optimizer : {"--optimizer adamw", "--optimizer sgd", "--optimizer sgd --momentum 0.9 --clip-norm 0.01",
                                        "--optimizer sgd --momentum 0.9 --nesterov --weight-decay 0.1", "--clip-norm 0.01"}) {
        CAPTURE(optimizer);
        const std::string options = optimizer + " --epochs 2 --schedule cosine";  // three steps an epoch
        const std::string whole = runs.model("whole", options);
        runs.train("parts", options + " --time-limit 1e-9");
        for (int step = 1; step < 6; step++) {
            REQUIRE(runs.step("parts") == std::to_string(step));
            runs.train("parts", "--resume --time-limit 1e-9");
        }
        CHECK(runs.model("parts", "--resume") == whole);
    }
}

}  // namespace
}  // namespace castnet::test

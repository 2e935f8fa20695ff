// Tests the options of train and explore: each has an effect, and accepts only valid values.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <regex>
#include <set>

#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/data/npy.h"
#include "train/files/safetensors.h"

namespace castnet::test {
namespace {

bool draws() {
    return std::system("command -v gnuplot >/dev/null") == 0;
}

/// Writes 12x10 images for test_gap. They depend on `state`, the seed.
void write_images(const std::string &file, std::uint32_t count, std::uint32_t state) {
    std::vector<float> values(std::size_t{count} * 120);
    for (float &value : values) value = float((state = state * 1664525U + 1013904223U) >> 8U) / 16777216.0F;
    write_npy(file, {count, 12, 10, 1}, values);
}

std::string repeated(const std::string &number) {
    std::string code = number;
    for (int i = 1; i < 48; i++) code += "," + number;  // test_gap's code
    return code;
}

/// A folder with data and models, and a folder `work` in which commands run.
struct Workplace {
    TemporaryFolder folder;
    Workplace() {
        write_dataset(folder.path() / "data", 65, {12, 10});
        write_images(path("other.npy"), 40, 5);
        write_images(path("images.npy"), 5, 6);
        std::filesystem::create_directory(path("work"));
        for (const char *number : {"1", "2"}) {
            succeed(fmt::format("train-test_gap --quiet --no-figures --epochs 2 --data ../data --seed {} --run-dir run", number));
            std::filesystem::rename(path("work/run/model.safetensors"), path(fmt::format("model{}.safetensors", number)));
            succeed(
                fmt::format("explore-test_gap encode --model ../model1.safetensors --images ../images.npy --out ../codes{}.npy", number));
            write_images(path("images.npy"), 5, 7);
        }
    }

    [[nodiscard]] std::string path(const std::string &name) const { return (folder.path() / name).string(); }

    std::string succeed(const std::string &command) const {
        const Run result = run(command, "env -C " + path("work") + " ");
        CAPTURE(command);
        CAPTURE(result.output);
        CHECK(result.status == 0);
        return result.output;
    }

    /// Runs a command in an empty folder, after `setup`. Returns what it prints and writes, without times.
    [[nodiscard]] std::string effect(const std::string &setup, const std::string &command) const {
        std::filesystem::remove_all(path("work"));
        std::filesystem::create_directory(path("work"));
        if (!setup.empty()) succeed(setup);
        std::string text = std::regex_replace(succeed(command), std::regex("\nEpoch [^\n]*"), "");
        std::set<std::filesystem::path> files;
        for (const auto &entry : std::filesystem::recursive_directory_iterator(path("work"))) files.insert(entry.path());
        for (const std::filesystem::path &file : files) {
            text += fmt::format("\n{}\n", file.string());
            if (std::filesystem::is_directory(file)) continue;
            std::string bytes = read_plain(file);
            if (file.filename() == "history.csv") bytes = std::regex_replace(bytes, std::regex(",[^,]*,[^,]*\n"), "\n");
            // A checkpoint holds the options themselves, and a report the time.
            if (file.filename() != "checkpoint.safetensors" && file.filename() != "report.html") text += bytes;
        }
        return text;
    }
};

/// Two commands that differ in one option.
struct Case {
    std::string option, before, after;
    bool differs = true;  ///< whether it should make a difference
    std::string setup = {};
};

using Cases = std::vector<Case>;

std::map<std::string, Cases> all_cases(const Workplace &work) {
    const std::string data = " --data ../data", model = " --model ../model1.safetensors", train = data + " --no-figures --epochs 2",
                      validated = data + " --no-figures --epochs 60 --learning-rate 0.3 --validation-split 0.3",
                      steps = train + " --schedule step", sgd = train + " --optimizer sgd", momentum = sgd + " --momentum 0.9",
                      figures = data + " --epochs 1", test = model + data, reconstruct = test + " --out y.npy",
                      encode = test + " --out z.npy", decode = model + " --codes ../codes1.npy --out y.npy",
                      anomalies = test + " --normal 1 --out out", images = " --images ../images.npy",
                      gradients = model + images + " --targets ../images.npy";
    const auto common = [&](const std::string &rest, const std::string &more) {
        return Cases{{"--model", model + rest + more, " --model ../model2.safetensors" + rest + more},
                     {"--threads", model + rest + more + " --threads 1", model + rest + more + " --threads 3", false}};
    };
    const auto chosen = [&](Cases cases, const Cases &more) {
        cases.insert(cases.end(), more.begin(), more.end());
        return cases;
    };
    const std::string other = " --data ../other.npy";
    std::map<std::string, Cases> cases{
        {"train-test_gap",
         {{"--data", train, other + " --no-figures --epochs 2"},
          {"--classes", train, train + " --classes 1"},
          {"--epochs", train, data + " --no-figures --epochs 3"},
          {"--batch-size", train, train + " --batch-size 7"},
          {"--optimizer", train, train + " --optimizer adamw"},
          {"--optimizer", train, sgd},
          {"--learning-rate", train, train + " --learning-rate 0.01"},
          {"--learning-rate", sgd, sgd + " --learning-rate 0.001"},
          {"--learning-rate", sgd, sgd + " --learning-rate 0.01", false},  // the default
          {"--momentum", sgd, momentum},
          {"--nesterov", momentum, momentum + " --nesterov"},
          {"--weight-decay", train, train + " --weight-decay 0.1"},
          {"--weight-decay", sgd, sgd + " --weight-decay 0.1"},
          {"--weight-decay", train + " --weight-decay 0.004", train + " --optimizer adamw", false},  // its default
          {"--weight-decay", train, train + " --optimizer adamw --weight-decay 0", false},
          {"--clip-norm", sgd, sgd + " --clip-norm 1e-3"},
          {"--clip-norm", sgd, sgd + " --clip-norm 1e6", false},
          {"--schedule", train, train + " --schedule cosine"},
          {"--schedule", train + " --schedule cosine", steps + " --step-epochs 1"},
          {"--step-epochs", steps, steps + " --step-epochs 1"},
          {"--step-factor", steps + " --step-epochs 1", steps + " --step-epochs 1 --step-factor 0.5"},
          {"--seed", train, train + " --seed 18446744073709551615"},
          {"--validation-split", train, train + " --validation-split 0.3"},
          {"--patience", validated, validated + " --patience 2"},
          {"--threads", train + " --threads 1", train + " --threads 3"},  // is printed
          {"--threads", train + " --quiet --threads 1", train + " --quiet --threads 3", false},
          {"--time-limit", train, train + " --time-limit 1e-9"},
          {"--run-dir", train, train + " --run-dir elsewhere"},
          {"--init", train, train + " --init ../model2.safetensors"},
          {"--resume", train, train + " --resume", true, "train-test_gap" + train},
          {"--at", figures, figures + " --at " + repeated("0.5"), draws()},
          {"--no-figures", figures, figures + " --no-figures"},
          {"--quiet", train, train + " --quiet"}}},
        {"explore-test_gap evaluate",
         chosen(common(data, ""), {{"--data", test, model + other}, {"--classes", test, test + " --classes 1"}})},
        {"explore-test_gap reconstruct", chosen(common(data, " --out y.npy"), {{"--data", reconstruct, model + other + " --out y.npy"},
                                                                               {"--classes", reconstruct, reconstruct + " --classes 1"},
                                                                               {"--images", reconstruct, reconstruct + images},
                                                                               {"--index", reconstruct, reconstruct + " --index 3"},
                                                                               {"--out", test, reconstruct}})},
        {"explore-test_gap encode", chosen(common(data, " --out z.npy"), {{"--data", encode, model + other + " --out z.npy"},
                                                                          {"--classes", encode, encode + " --classes 1"},
                                                                          {"--images", encode, encode + images},
                                                                          {"--samples", encode, encode + " --samples 3"},
                                                                          {"--csv", encode, encode + " --csv z.csv"},
                                                                          {"--out", encode, test + " --out codes.npy"}})},
        {"explore-test_gap decode",
         chosen(common(" --codes ../codes1.npy", " --out y.npy"),
                {{"--codes", decode, model + " --codes ../codes2.npy --out y.npy"},
                 {"--at", model + " --out y.npy --at " + repeated("0.5"), model + " --out y.npy --at " + repeated("-.25")},
                 {"--out", decode, model + " --codes ../codes1.npy --out x.npy"}})},
        {"explore-test_gap anomalies",
         chosen(common(data, " --normal 1 --out out"), {{"--data", model + data + images, model + other + images},
                                                        {"--images", test, test + images},
                                                        {"--normal", anomalies, test + " --normal 5 --out out"},
                                                        {"--false-alarms", anomalies, anomalies + " --false-alarms 0.5"},
                                                        {"--out", test + " --normal 1", anomalies}})},
        {"explore-test_gap export",
         chosen(common("", " --header w.h"), {{"--header", model + " --header w.h", model + " --header v.hpp"}})},
        {"explore-test_gap gradients",
         chosen(common(images + " --targets ../images.npy", " --out g.safetensors"),
                {{"--images", gradients + " --out g", model + " --images ../other5.npy --targets ../images.npy --out g"},
                 {"--targets", gradients + " --out g", model + images + " --targets ../other5.npy --out g"},
                 {"--out", gradients + " --out g", gradients + " --out h.safetensors"}})},
    };
    write_images(work.path("other5.npy"), 5, 9);
    const auto plots = [&](const std::string &command, const std::string &options) {
        // Without gnuplot, --plot is an error, which another test checks.
        const std::string plot = draws() ? " --plot p.svg" : "";
        cases[command].push_back({"--plot", options, options + plot, draws()});
        cases[command].push_back({"--plot", options + plot, options + (draws() ? " --plot p.PNG" : ""), draws()});
    };
    plots("explore-test_gap reconstruct", reconstruct);
    plots("explore-test_gap encode", encode);
    plots("explore-test_gap decode", decode);
    const bool has_onnx =
        run("explore-test_gap export --model " + work.path("model1.safetensors") + " --onnx " + work.path("m.onnx")).status == 0;
    const std::string header = model + " --header w.h", onnx = has_onnx ? header + " --onnx m.onnx" : header;
    cases["explore-test_gap export"].push_back({"--onnx", header, onnx, has_onnx});
    for (const char *part : {"encoder", "decoder"})
        cases["explore-test_gap export"].push_back({"--part", onnx, onnx + " --part " + part, has_onnx});
    return cases;
}

TEST_CASE("options: every one in --help has the effect that it should") {
    const Workplace work;
    for (const auto &of_command : all_cases(work)) {
        const std::string &command = of_command.first;  // not a structured binding, because doctest captures it
        const Cases &cases = of_command.second;
        CAPTURE(command);
        const std::string help = run(command + " --help").output;
        const std::regex option("\n +(--[a-z-]+)");
        for (auto match = std::sregex_iterator(help.begin(), help.end(), option); match != std::sregex_iterator(); ++match) {
            const std::string name = (*match)[1];
            CAPTURE(name);
            CHECK((name == "--version" || std::ranges::count(cases, name, &Case::option) > 0));
        }
        for (const Case &one : cases) {
            CAPTURE(one.before);
            CAPTURE(one.after);
            CHECK(help.find("  " + one.option + " ") != std::string::npos);
            CHECK((work.effect(one.setup, command + one.before) != work.effect(one.setup, command + one.after)) == one.differs);
        }
    }
}

TEST_CASE("options: the help of no command is the parser's own") {
    for (const std::string command : {"train", "explore", "explore evaluate", "explore reconstruct", "explore encode", "explore decode",
                                      "explore anomalies", "explore export", "explore gradients"}) {
        const std::string help = run(command + " --help").output;
        CAPTURE(help);
        for (const char *word : {"INT", "FLOAT", "TEXT", "->", "{", " in [", "REQUIRED", "Excludes", "SUBCOMMAND", "..."})
            CHECK(help.find(word) == std::string::npos);
    }
    const std::string help = run("train --help").output;
    CHECK(help.find("Times to go through the data; from 0 to 1000000 (default 10)") != std::string::npos);
    CHECK(help.find("constant, cosine or step (default constant)") != std::string::npos);
}

TEST_CASE("options: a number that is none, not finite, not whole, or out of range is refused with what is allowed") {
    struct Number {
        std::string command, option;
        bool whole;
        std::string range;
    };
    const std::string none = " --model x";
    const std::vector<Number> numbers{{"train", "--epochs", true, " from 0 to 1000000"},
                                      {"train", "--batch-size", true, " from 1 to 65536"},
                                      {"train", "--learning-rate", false, " from 0 up"},
                                      {"train", "--momentum", false, " from 0 to 1"},
                                      {"train", "--weight-decay", false, " from 0 up"},
                                      {"train", "--clip-norm", false, " from 0 up"},
                                      {"train", "--step-epochs", true, " from 1 to 1000000"},
                                      {"train", "--step-factor", false, " from 0 to 1"},
                                      {"train", "--seed", true, " from 0 to 18446744073709551615"},
                                      {"train", "--validation-split", false, " from 0 to 0.9"},
                                      {"train", "--patience", true, " from 0 to 1000000"},
                                      {"train", "--threads", true, " from 1 to 1024"},
                                      {"train", "--time-limit", false, " from 0 up"},
                                      {"explore evaluate" + none, "--threads", true, " from 1 to 1024"},
                                      {"explore reconstruct" + none, "--index", true, " from 0 to 4294967294"},
                                      {"explore encode" + none, "--samples", true, " from 0 to 4294967295"},
                                      {"explore anomalies" + none, "--false-alarms", false, " from 0 to 1"}};
    for (const auto &[command, option, whole, range] : numbers) {
        for (const std::string value : {"nan", "inf", "-inf", "-1", "abc", "1x", "0,001", "1e999", "18446744073709551616"}) {
            if (value == "18446744073709551616" && range == " from 0 up") continue;
            check_error(fmt::format("{} {} {}", command, option, value),
                        fmt::format("{} {}: is not allowed; give a {} number{}", option, value, whole ? "whole" : "finite", range));
        }
        if (whole) check_error(fmt::format("{} {} 1.5", command, option), option + " 1.5: is not allowed");
        check_error(fmt::format("{} {} ''", command, option), option + " '': is not allowed");
        check_error(fmt::format("{} {}", command, option), option + ": needs a value");
        check_error(fmt::format("{0} {1} {2} {1} {2}", command, option, whole ? "1" : "0.5"), option + ": is given 2 times; give it once");
        CHECK((run(fmt::format("{} {} 0,001", command, option)).output.find("with a decimal point") != std::string::npos) == !whole);
    }
    for (const std::string command : {"train", "explore decode --model x"}) {
        for (const std::string value : {"abc", "nan", "inf", "1e999", "''"})
            check_error(fmt::format("{} --at 1,{}", command, value), fmt::format("--at {}: is not allowed; give a finite number", value));
    }
}

TEST_CASE("options: names, files and words that are not allowed are named, with those that are") {
    check_error("train --schedule 1", "--schedule 1: is not allowed; give constant, cosine or step");
    check_error("train --optimizer rmsprop", "--optimizer rmsprop: is not allowed; give adam, adamw or sgd");
    for (const std::string adam : {"--momentum 0.9", "--nesterov", "--optimizer adamw --momentum 0.9 --nesterov"})
        check_error("train " + adam, "--momentum and --nesterov are for sgd; leave them out, or choose --optimizer sgd");
    check_error("train --optimizer sgd --nesterov", "--nesterov needs a momentum; give --momentum 0.9, say");
    check_error("explore export --model x --part half", "--part half: is not allowed; give all, encoder or decoder");
    check_error("explore encode --model x --plot latent.jpg", "--plot latent.jpg: is not allowed; give a name that ends in .png or .svg");
    check_error("explore decode --model x --out image.png", "--out image.png: is not allowed; give a name that ends in .npy");
    check_error("explore encode --model x --csv codes.npy", "--csv codes.npy: is not allowed; give a name that ends in .csv");
    check_error("explore frobnicate", "frobnicate: is no command of explore; give summary, evaluate,");
    check_error("explore", "explore: needs a command; give summary, evaluate,");
    check_error("explore --model x evaluate", "--model: is no option of explore; explore --help lists");
    check_error("explore evaluate --model x --colour", "--colour: is no option of explore evaluate; explore evaluate --help lists");
    check_error("explore summary evaluate", "evaluate: belongs to no option of explore summary");
    check_error("train-test_gap data", "data: belongs to no option of train-test_gap; train-test_gap --help lists");
    check_error("train --quiet=abc", "--quiet: takes no value");
    check_error("train --resume=0", "--resume: takes no value");
}

TEST_CASE("options: numbers are their values, however they are written") {
    const Workplace work;
    const std::string train = "train-test_gap --quiet --no-figures --data ../data";
    work.succeed(train + " --epochs 1 --seed 8 --learning-rate 0.01");
    work.succeed(train + " --resume --epochs 2 --seed 008 --learning-rate 1e-2");
}

}  // namespace
}  // namespace castnet::test

// Tests the progress display of a run on a terminal.
#include <doctest/doctest.h>
#include <pty.h>

#include <algorithm>

#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/console/progress.h"
#include "train/console/terminal.h"

namespace castnet::test {
namespace {

struct OnTerminal {
    pid_t child = -1;
    int terminal = -1;
};

/// Starts a shell command on a terminal of this size, or of any.
OnTerminal start_on_terminal(const std::string &command, const winsize *size) {
    OnTerminal started;
    started.child = forkpty(&started.terminal, nullptr, nullptr, size);
    REQUIRE(started.child >= 0);
    if (started.child == 0) {
        execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        _exit(127);
    }
    return started;
}

/// Runs a shell command on a terminal with so many columns and returns its output.
std::string shown(const std::string &command, unsigned short columns) {
    winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    const OnTerminal started = start_on_terminal(command, &size);
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = read(started.terminal, part.data(), part.size())) > 0;) text.append(part.data(), std::size_t(got));
    close(started.terminal);
    int status = -1;
    REQUIRE(waitpid(started.child, &status, 0) == started.child);
    CHECK(status == 0);
    return text;
}

/// Returns the texts that a terminal shows in its lines, one after another.
std::vector<std::string> drawn_lines(const std::string &text) {
    std::vector<std::string> lines(1);
    for (const char character : text) {
        if (character == '\r' || character == '\n') {
            lines.emplace_back();
        } else {
            lines.back() += character;
        }
    }
    std::erase(lines, "");
    for (std::string &line : lines) {
        if (line.starts_with("\033[K")) line.erase(0, 3);
    }
    return lines;
}

/// Counts UTF-8 characters.
std::size_t width(const std::string &line) {
    return std::size_t(std::ranges::count_if(line, [](char byte) { return (byte & '\xc0') != '\x80'; }));
}

TEST_CASE("progress: a line redrawn on a terminal of any width, and never wrapped before the epoch ends") {
    const TemporaryFolder folder;
    const std::string data = (folder.path() / "data").string(), run_directory = (folder.path() / "run").string();
    write_dataset(data, 5000, {28, 28});  // a few tenths of a second per epoch
    const std::string command =
        CASTNET_BIN "/train --no-figures --classes all --epochs 2 --batch-size 1 --threads 1 --data " + data + " --run-dir ";
    for (const unsigned short columns : {200, 80, 40, 20}) {
        CAPTURE(columns);
        const std::vector<std::string> lines = drawn_lines(shown(command + run_directory + std::to_string(columns), columns));
        CHECK(std::ranges::count(lines, "Epoch 1/2") == 1);
        CHECK(std::ranges::count(lines, "Epoch 2/2") == 1);
        std::size_t redrawn = 0, ends = 0;
        for (const std::string &line : lines) {
            CAPTURE(line);
            if (line.find("/5000 ") == std::string::npos) continue;
            if (line.starts_with("5000/5000 ") && line.find("ms/step") != std::string::npos && line.find(" left") == std::string::npos) {
                ends++;
                if (columns > 20) CHECK(width(line) <= columns);
                CHECK((line.find("━━━━━") != std::string::npos) == (columns >= 80));
                continue;
            }
            redrawn++;
            CHECK(width(line) <= columns);
            CHECK(line.find(columns > 20 ? "loss: 0." : " 0.") != std::string::npos);
            CHECK((line.find("─") != std::string::npos || line.find("━") != std::string::npos) == (columns > 20));
            CHECK((line.find(" left") != std::string::npos) == (columns > 20));
            CHECK((line.find("ms/step") != std::string::npos) == (columns > 40));
        }
        CHECK(redrawn >= 1);
        CHECK(ends == 2);
    }
}

TEST_CASE("summary: fits the terminal, and elsewhere is as wide as it likes") {
    for (const char *program : {"/explore", "/explore-test_gap"}) {
        for (const unsigned short columns : {80, 40}) {
            const std::vector<std::string> lines = drawn_lines(shown(std::string(CASTNET_BIN) + program + " summary", columns));
            CAPTURE(columns);
            CHECK(lines.size() > 8);
            for (const std::string &line : lines) {
                CAPTURE(line);
                CHECK(width(line) <= columns);
            }
        }
    }
    const std::string names = "Layer               Kind                Output  Parameters  Pipelines\n";
    CHECK(run("explore summary").output.find(names) != std::string::npos);
    const std::string narrow = run("explore summary", "COLUMNS=40 ").output;
    CHECK(narrow.find("conv2d_transpose_1\n  Kind conv2d_transpose, Output 14x14x32\n  Parameters 18464, Pipelines 4\n") !=
          std::string::npos);
    CHECK(narrow.find("Memory in KiB, one thread:\n") != std::string::npos);
}

TEST_CASE("progress: lines break between pieces alone") {
    const std::vector<std::string> pieces{"12345", "678", "90"};
    CHECK(wrapped(pieces, ", ", 14) == "12345, 678, 90");
    CHECK(wrapped(pieces, ", ", 13) == "12345, 678\n  90");
    CHECK(wrapped(pieces, ", ", 9) == "12345\n  678, 90");
    CHECK(wrapped(pieces, ", ", 1) == "12345\n  678\n  90");
    CHECK(wrapped({}, ", ", 9).empty());
}

TEST_CASE("train: a terminal that closes loses no work") {
    const TemporaryFolder folder;
    const std::string data = (folder.path() / "data").string(), run_directory = (folder.path() / "run").string();
    write_dataset(data, 65, {12, 10});
    const std::string command =
        "exec " CASTNET_BIN "/train-test_gap --no-figures --epochs 100000 --data " + data + " --run-dir " + run_directory;
    const OnTerminal started = start_on_terminal(command, nullptr);
    std::string text;
    std::array<char, 4096> part{};
    while (text.find("Epoch 2/") == std::string::npos) {
        const ssize_t got = read(started.terminal, part.data(), part.size());
        REQUIRE(got > 0);
        text.append(part.data(), std::size_t(got));
    }
    close(started.terminal);
    int status = -1;
    REQUIRE(waitpid(started.child, &status, 0) == started.child);
    CHECK(WIFEXITED(status));
    CHECK(std::filesystem::exists(run_directory + "/model.safetensors"));
    CHECK(run("train-test_gap --quiet --no-figures --resume --time-limit 0.01 --data " + data + " --run-dir " + run_directory).status == 0);
}

TEST_CASE("progress: times") {
    CHECK(clock_time(0.4) == "0s");
    CHECK(clock_time(59.4) == "59s");
    CHECK(clock_time(59.6) == "1:00");
    CHECK(clock_time(125) == "2:05");
    CHECK(clock_time(3725) == "1:02:05");
}

}  // namespace
}  // namespace castnet::test

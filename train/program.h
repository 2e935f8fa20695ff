// What train and explore share: parsing arguments, and reporting errors in one line.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace castnet {

/// Returns the line with which this process reports an error; nothing if another one of its group does.
using Reporter = std::function<std::optional<std::string>(const std::string &error)>;

/// Parses the arguments, then calls run(). Returns the exit status: 0, or 1 after one line `error: …` on standard error.
int run_program(CLI::App &app, int argc, char **argv, const std::function<void()> &run, const Reporter &reporter = {});

/// Prints the line `error: …` on standard error. Returns the exit status 1.
int fail(const std::string &text);

/// Prints the line `warning: …` on standard error.
void warn(const std::string &text);

/// Prints "wrote FILE", unless the file is a pipe or a device.
void print_written(const std::filesystem::path &file);

}  // namespace castnet

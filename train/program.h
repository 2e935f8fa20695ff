// What train and explore share: parsing arguments, and reporting errors in one line.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace castnet {

/// Parses the arguments, then calls run(). Returns the exit status: 0, or 1 after one line `error: …` on standard error.
int run_program(CLI::App &app, int argc, char **argv, const std::function<void()> &run);

/// Prints the line `warning: …` on standard error.
void warn(const std::string &text);

/// Prints "wrote FILE", unless the file is a pipe or a device.
void print_written(const std::filesystem::path &file);

}  // namespace castnet

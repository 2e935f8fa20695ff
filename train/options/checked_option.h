// Options that take a number, one of several names, or a file to write: checks them, and tells the user what is allowed.
#pragma once

#include <filesystem>
#include <string>
#include <type_traits>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace castnet {

/// Joins the names as "a, b or c".
std::string alternatives(const std::vector<std::string> &names);

/// Parses a number that is finite, from `least` to `most`, and whole if the type is. Throws Error, which names the option and what is
/// allowed.
template <typename Number>
Number parse_number(const std::string &option, const std::string &text, Number least, Number most);

/// Adds an option that takes a number from `least` to `most`. CLI11 stores its shortest text: 0.001 for 1e-3.
template <typename Number>
CLI::Option *add_number(CLI::App &app, const std::string &option, Number &number, const std::string &help,
                        std::type_identity_t<Number> least, std::type_identity_t<Number> most);

/// Adds an option that takes one of the names.
CLI::Option *add_choice(CLI::App &app, const std::string &option, std::string &choice, const std::string &help,
                        const std::vector<std::string> &names);

/// Adds an option that takes the name of a file to write. Its extension, if any, must be one of `extensions`, in lower or upper case.
CLI::Option *add_output(CLI::App &app, const std::string &option, std::filesystem::path &file, const std::string &help,
                        const std::vector<std::string> &extensions);

}  // namespace castnet

// Options that take a number, one of some names, or a file to write: checked, and explained to the user, in one place.
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

/// "a, b or c".
std::string alternatives(const std::vector<std::string> &names);

/// The number that the text is: finite, whole where the type is, and from `least` to `most`. Otherwise throws Error, which names the option
/// and what is allowed.
template <typename Number>
Number parse_number(const std::string &option, const std::string &text, Number least, Number most);

/// An option that takes a number from `least` to `most`. CLI11 keeps its shortest text: 0.001 for 1e-3.
template <typename Number>
CLI::Option *add_number(CLI::App &app, const std::string &option, Number &number, const std::string &help,
                        std::type_identity_t<Number> least, std::type_identity_t<Number> most);

/// An option that takes one of the names.
CLI::Option *add_choice(CLI::App &app, const std::string &option, std::string &choice, const std::string &help,
                        const std::vector<std::string> &names);

/// An option that takes the name of a file to write. A name's extension, if it has one, must be one of those, in small letters or large.
CLI::Option *add_output(CLI::App &app, const std::string &option, std::filesystem::path &file, const std::string &help,
                        const std::vector<std::string> &extensions);

}  // namespace castnet

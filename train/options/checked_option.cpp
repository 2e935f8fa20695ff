#include "train/options/checked_option.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <limits>
#include <span>

#include "train/files/error.h"
#include "train/machine/shell.h"

namespace castnet {
namespace {

[[noreturn]] void refuse(const std::string &option, const std::string &text, const std::string &allowed) {
    throw Error(fmt::format("{} {}: is not allowed; give {}", option, shell_word(text), allowed));
}

/// Returns " from 0 to 1". For floating point also " from 0 up" or "", if an end is the limit of the type.
template <typename Number>
std::string range(Number least, Number most) {
    constexpr bool ends = std::is_integral_v<Number>;
    if (!ends && least == std::numeric_limits<Number>::lowest()) return "";
    if (!ends && most == std::numeric_limits<Number>::max()) return fmt::format(" from {} up", least);
    return fmt::format(" from {} to {}", least, most);
}

/// Wraps change() as a validator for CLI11. change() throws Error, which CLI11 lets through.
template <typename Change>
CLI::Validator checked(const Change &change) {
    return CLI::Validator(
        [change](std::string &text) {
            change(text);
            return std::string();
        },
        "");
}

}  // namespace

std::string alternatives(const std::vector<std::string> &names) {
    const auto rest = std::span(names).first(names.size() - 1);
    return fmt::format("{}{}{}", fmt::join(rest, ", "), rest.empty() ? "" : " or ", names.back());
}

template <typename Number>
Number parse_number(const std::string &option, const std::string &text, Number least, Number most) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    // NaN is within no range.
    if (error == std::errc() && end == text.data() + text.size() && number >= least && number <= most) return number;
    const bool whole = std::is_integral_v<Number>, comma = !whole && text.find(',') != std::string::npos;
    refuse(option, text,
           fmt::format("a {} number{}{}", whole ? "whole" : "finite", range(least, most), comma ? ", with a decimal point, as 0.5" : ""));
}

template <typename Number>
CLI::Option *add_number(CLI::App &app, const std::string &option, Number &number, const std::string &help,
                        std::type_identity_t<Number> least, std::type_identity_t<Number> most) {
    return app.add_option(option, number, fmt::format("{};{}", help, range(least, most)))
        ->transform(checked([=](std::string &text) { text = fmt::format("{}", parse_number(option, text, least, most)); }))
        ->type_name("NUMBER")
        ->default_str(fmt::format("{}", number));
}

CLI::Option *add_choice(CLI::App &app, const std::string &option, std::string &choice, const std::string &help,
                        const std::vector<std::string> &names) {
    return app.add_option(option, choice, fmt::format("{}: {}", help, alternatives(names)))
        ->transform(checked([=](const std::string &text) {
            if (std::ranges::find(names, text) == names.end()) refuse(option, text, alternatives(names));
        }))
        ->type_name("NAME")
        ->default_str(choice);
}

CLI::Option *add_output(CLI::App &app, const std::string &option, std::filesystem::path &file, const std::string &help,
                        const std::vector<std::string> &extensions) {
    return app.add_option(option, file, help)
        ->transform(checked([=](const std::string &text) {
            std::string extension = std::filesystem::path(text).extension().string();
            std::ranges::transform(extension, extension.begin(), [](unsigned char letter) { return std::tolower(letter); });
            if (!extension.empty() && std::ranges::find(extensions, extension) == extensions.end())
                refuse(option, text, fmt::format("a name that ends in {}", alternatives(extensions)));
        }))
        ->type_name("FILE");
}

template float parse_number(const std::string &, const std::string &, float, float);
template int parse_number(const std::string &, const std::string &, int, int);
template CLI::Option *add_number(CLI::App &, const std::string &, int &, const std::string &, int, int);
template CLI::Option *add_number(CLI::App &, const std::string &, std::uint64_t &, const std::string &, std::uint64_t, std::uint64_t);
template CLI::Option *add_number(CLI::App &, const std::string &, float &, const std::string &, float, float);
template CLI::Option *add_number(CLI::App &, const std::string &, double &, const std::string &, double, double);

}  // namespace castnet

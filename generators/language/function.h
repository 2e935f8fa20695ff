// A function that a network's text names: relu, or leaky_relu(0.1) with its parameter.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

namespace castnet {

struct Function {
    std::string_view name;
    double parameter = 0;  ///< 0 if it has none
};

/// The activations, with Keras's defaults: the slope of leaky_relu below zero, the α of elu.
inline constexpr std::array<Function, 10> known_activations{
    {{"linear"}, {"relu"}, {"leaky_relu", 0.2}, {"elu", 1}, {"gelu"}, {"silu"}, {"softplus"}, {"sigmoid"}, {"tanh"}, {"softmax"}}};

/// The losses, with Keras's default: the difference at which huber becomes linear.
inline constexpr std::array<Function, 4> known_losses{
    {{"mean_squared_error"}, {"mean_absolute_error"}, {"binary_crossentropy"}, {"huber", 1}}};

/// Parses NAME, or NAME(PARAMETER) where the function has one. Returns none for anything else: parameters are plain numbers from 1e-4 to
/// 100.
inline std::optional<Function> parse_function(std::string_view text, std::span<const Function> known) {
    constexpr double least = 1e-4, most = 100;
    const std::size_t bracket = std::min(text.find('('), text.size());
    const auto found = std::ranges::find(known, text.substr(0, bracket), &Function::name);
    if (found == known.end()) return std::nullopt;
    if (bracket == text.size()) return *found;
    if (found->parameter == 0 || !text.ends_with(')')) return std::nullopt;
    const std::string_view number = text.substr(bracket + 1, text.size() - bracket - 2);
    Function function{found->name, -1};
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), function.parameter, std::chars_format::fixed);
    const bool is_number = error == std::errc() && end == number.data() + number.size() && number.front() != '.';
    return is_number && function.parameter >= least && function.parameter <= most ? std::optional(function) : std::nullopt;
}

/// Returns whether the derivative follows from the sums that the activation takes, as its output does not tell them: gelu and silu fall
/// before they rise.
constexpr bool needs_sums(std::string_view activation) {
    return activation == "gelu" || activation == "silu";
}

/// Returns whether the loss behind a network's last activation is computed from the sums that this takes: behind a sigmoid, binary
/// cross-entropy would lose what the sigmoid rounds.
constexpr bool needs_sums(std::string_view activation, std::string_view loss) {
    return needs_sums(activation) || (activation == "sigmoid" && loss == "binary_crossentropy");
}

}  // namespace castnet

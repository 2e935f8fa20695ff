// An activation as a network's text names it: relu, or leaky_relu(0.1) with its parameter.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace castnet {

struct ActivationText {
    std::string_view name;
    double parameter = 0;  ///< the slope of leaky_relu below zero, the α of elu; 0 for the others
};

/// All activations, with Keras's defaults of their parameters.
inline constexpr std::array<ActivationText, 8> known_activations{
    {{"linear"}, {"relu"}, {"leaky_relu", 0.2}, {"elu", 1}, {"softplus"}, {"sigmoid"}, {"tanh"}, {"softmax"}}};

/// Parses NAME, or NAME(PARAMETER) where the activation has one. Returns none for anything else: parameters are plain numbers from 1e-4 to
/// 100.
inline std::optional<ActivationText> parse_activation(std::string_view text) {
    constexpr double least = 1e-4, most = 100;
    const std::size_t bracket = std::min(text.find('('), text.size());
    const auto *const known = std::ranges::find(known_activations, text.substr(0, bracket), &ActivationText::name);
    if (known == known_activations.end()) return std::nullopt;
    if (bracket == text.size()) return *known;
    if (known->parameter == 0 || !text.ends_with(')')) return std::nullopt;
    const std::string_view number = text.substr(bracket + 1, text.size() - bracket - 2);
    ActivationText activation{known->name, -1};
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), activation.parameter, std::chars_format::fixed);
    const bool is_number = error == std::errc() && end == number.data() + number.size() && number.front() != '.';
    return is_number && activation.parameter >= least && activation.parameter <= most ? std::optional(activation) : std::nullopt;
}

}  // namespace castnet

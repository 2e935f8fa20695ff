#include "cmake/autotune/parameters.h"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <vector>

#include "generators/language/function.h"

namespace castnet::autotune {
namespace {

constexpr int largest = 1 << 20;
const std::vector<std::string> numbers{"large_height",  "large_width",  "large_channels", "small_height", "small_width", "small_channels",
                                       "kernel_height", "kernel_width", "stride_y",       "stride_x",     "pad_y",       "pad_x"};

using Words = std::map<std::string, std::vector<std::string>>;

std::vector<std::string> names_of_activations() {
    std::vector<std::string> names(known_activations.size());
    std::ranges::transform(known_activations, names.begin(), [](const Function &activation) { return std::string(activation.name); });
    return names;
}

/// Returns the values that the parameters of a generator's epilogue may have; an activation may have a parameter in brackets too.
Words words_of(const std::string &generator) {
    if (generator == "correlate" || generator == "spread")
        return {{"activation", names_of_activations()}, {"pass", {"backward_data", "forward"}}};
    if (generator == "kernel_gradient") return {{"decays", {"false", "true"}}, {"output_grid", {"large", "small"}}};
    throw std::invalid_argument("there is no generator " + generator + "; correlate, spread and kernel_gradient have schedules");
}

std::string listed(const std::vector<std::string> &words) {
    std::string list;
    for (const std::string &word : words) list += (list.empty() ? "" : ", ") + word;
    return list;
}

bool is_number(const std::string &text, int least) {
    int value = 0;
    const char *end = text.data() + text.size();
    const auto [parsed, error] = std::from_chars(text.data(), end, value);
    return error == std::errc() && parsed == end && value >= least && value <= largest;
}

}  // namespace

std::map<std::string, std::string> parse_parameters(const std::string &generator, std::span<const std::string> arguments) {
    const Words words = words_of(generator);
    std::map<std::string, std::string> parameters;
    for (const std::string &argument : arguments) {
        const std::size_t equals = argument.find('=');
        if (equals == std::string::npos) throw std::invalid_argument(argument + " is not name=value");
        const std::string name = argument.substr(0, equals), value = argument.substr(equals + 1);
        if (const auto found = words.find(name); found != words.end()) {
            const bool is_activation = name == "activation" && parse_function(value, known_activations);
            if (!is_activation && std::ranges::find(found->second, value) == found->second.end())
                throw std::invalid_argument(argument + ": the values are " + listed(found->second));
        } else if (std::ranges::find(numbers, name) != numbers.end()) {
            const int least = name.starts_with("pad_") ? 0 : 1;
            if (!is_number(value, least))
                throw std::invalid_argument(argument + ": the values are numbers from " + std::to_string(least) + " to " +
                                            std::to_string(largest));
        } else {
            std::vector<std::string> names = numbers;
            for (const auto &[word, values] : words) names.push_back(word);
            throw std::invalid_argument(argument + ": the parameters are " + listed(names));
        }
        parameters[name] = value;
    }
    return parameters;
}

}  // namespace castnet::autotune

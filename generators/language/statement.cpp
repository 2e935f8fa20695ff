#include "generators/language/statement.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "generators/language/suggestion.h"
#include "train/files/error.h"

namespace castnet {
namespace {

using Words = std::vector<std::string_view>;

Words split(std::string_view text, char separator) {
    Words parts;
    for (std::size_t end = 0; end != std::string_view::npos; text.remove_prefix(std::min(text.size(), end + 1))) {
        end = text.find(separator);
        parts.push_back(text.substr(0, end));
    }
    return parts;
}

/// Parses a whole number from `least` on, of at most so many digits, without sign or leading zeros. Returns -1 for anything else.
int number(std::string_view word, int least = 1, std::size_t most_digits = 4) {
    int value = -1;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    const bool is_plain = word.size() <= most_digits && !word.starts_with('-') && (word.size() == 1 || !word.starts_with('0'));
    return error == std::errc() && end == word.data() + word.size() && is_plain && value >= least ? value : -1;
}

/// Parses numbers between separators, each as above. Returns none if one is wrong.
std::vector<int> numbers(std::string_view word, char separator, int least = 1) {
    std::vector<int> values;
    for (const std::string_view part : split(word, separator)) values.push_back(number(part, least));
    if (std::ranges::find(values, -1) != values.end()) values.clear();
    return values;
}

/// Parses `3` for both, or `3x5` for 3 rows by 5 columns. Returns none for anything else.
std::vector<int> rows_and_columns(std::string_view word, int least = 1) {
    std::vector<int> pair = numbers(word, 'x', least);
    if (pair.size() == 1) pair.push_back(pair.front());
    if (pair.size() != 2) pair.clear();
    return pair;
}

/// Sets a size of the statement: `kernel` or `stride`. Throws Error.
void set_pair(LayerStatement &statement, std::string_view key, std::string_view value, int Window::*member) {
    const std::vector<int> pair = rows_and_columns(value);
    if (pair.empty())
        throw Error(fmt::format("{0}={1} is not a size; write {0}=3, or {0}=3x5 for 3 rows by 5 columns (1 to 9999)", key, value));
    statement.y.*member = pair[0];
    statement.x.*member = pair[1];
}

void set_filters(LayerStatement &statement, std::string_view value) {
    statement.filters = number(value);
    if (statement.filters < 0) throw Error(fmt::format("filters={} is not a number of channels; write filters=32, say (1 to 9999)", value));
}

void set_units(LayerStatement &statement, std::string_view value) {
    constexpr std::size_t most_digits = 6;
    statement.filters = number(value, 1, most_digits);
    if (statement.filters < 0) throw Error(fmt::format("units={} is not a number of outputs; write units=32, say (1 to 999999)", value));
}

void set_padding(LayerStatement &statement, std::string_view value) {
    const auto set = [&](PaddingMode mode, const std::vector<int> &sides) {
        statement.y.padding = statement.x.padding = mode;
        statement.y.before = sides[0], statement.y.after = sides[1];
        statement.x.before = sides[2], statement.x.after = sides[3];
    };
    if (value == "valid") return set(PaddingMode::valid, {0, 0, 0, 0});
    if (value == "same") return set(PaddingMode::same, {0, 0, 0, 0});
    if (const std::vector<int> pair = rows_and_columns(value, 0); !pair.empty())
        return set(PaddingMode::numbers, {pair[0], pair[0], pair[1], pair[1]});
    if (const std::vector<int> sides = numbers(value, ',', 0); sides.size() == 4) return set(PaddingMode::numbers, sides);
    constexpr std::array<std::string_view, 2> names{"valid", "same"};
    throw Error(
        fmt::format("there is no padding '{}'; {}; or write zeros as 1, as 1x2 for 1 above and below and 2 at the sides, or as "
                    "top,bottom,left,right",
                    value, suggestion(value, "the names", names)));
}

void set_output(LayerStatement &statement, std::string_view value) {
    const std::vector<int> pair = rows_and_columns(value);
    if (pair.empty())
        throw Error(fmt::format("output={} is not a size; write output=25x25 for 25 rows by 25 columns, say (1 to 9999)", value));
    statement.output = Shape{pair[0], pair[1], 0};
}

void set_activation(LayerStatement &statement, std::string_view value) {
    statement.activation = read_function("activation", "activation=", value, known_activations);
}

void set_l2(LayerStatement &statement, std::string_view value) {
    constexpr double least = 1e-30, most = 9999;  // what a float and its square hold
    double factor = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), factor);
    const bool is_plain = value.starts_with("0.") || (value.front() >= '1' && value.front() <= '9') || value == "0";
    if (error != std::errc() || end != value.data() + value.size() || !is_plain || (factor != 0 && factor < least) || factor > most)
        throw Error(fmt::format("l2={} is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)", value));
    statement.l2 = static_cast<float>(factor);
}

void set_trainable(LayerStatement &statement, std::string_view value) {
    if (value != "true" && value != "false")
        throw Error(fmt::format("trainable={} is neither true nor false; write trainable=false", value));
    statement.trainable = value == "true";
}

void set_interpolation(LayerStatement &statement, std::string_view value) {
    constexpr std::array<std::string_view, 2> names{"nearest", "bilinear"};
    if (std::ranges::find(names, value) == names.end())
        throw Error(fmt::format("there is no interpolation '{}'; {}", value, suggestion(value, "the interpolations", names)));
    statement.interpolation = value;
}

void set_rate(LayerStatement &statement, std::string_view value) {
    float rate = -1;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), rate, std::chars_format::fixed);
    const bool is_plain = value == "0" || value.starts_with("0.");
    if (error != std::errc() || end != value.data() + value.size() || !is_plain || rate >= 1)
        throw Error(fmt::format("rate={} is not a share; write rate=0.2, say (from 0 to below 1)", value));
    statement.rate = rate;
}

void set_name(LayerStatement &statement, std::string_view value) {
    check_name(value, fmt::format("name={} is ", value));
    constexpr std::array<std::string_view, 4> taken{"adam", "best", "self_test", "sgd"};
    if (std::ranges::find(taken, value) != taken.end())
        throw Error(fmt::format("the name {} is taken by what checkpoints hold; choose another", value));
    statement.name = value;
}

struct Key {
    std::string_view name;
    void (*set)(LayerStatement &, std::string_view value);
    std::string_view example{};  ///< a value to propose where a required key is missing; empty if it may be
};

namespace keys {

constexpr Key filters{"filters", set_filters, "32"}, units{"units", set_units, "32"}, padding{"padding", set_padding},
    activation{"activation", set_activation}, l2{"l2", set_l2}, name{"name", set_name}, output{"output", set_output},
    kernel{"kernel", [](LayerStatement &s, std::string_view value) { set_pair(s, "kernel", value, &Window::kernel); }, "3"},
    stride{"stride", [](LayerStatement &s, std::string_view value) { set_pair(s, "stride", value, &Window::stride); }},
    pool{"pool", [](LayerStatement &s, std::string_view value) { set_pair(s, "pool", value, &Window::kernel); }},
    size{"size", [](LayerStatement &s, std::string_view value) { set_pair(s, "size", value, &Window::kernel); }},
    trainable{"trainable", set_trainable}, interpolation{"interpolation", set_interpolation}, rate{"rate", set_rate, "0.2"};

constexpr std::array conv2d{filters, kernel, stride, padding, activation, l2, trainable, name};
constexpr std::array conv2d_transpose{filters, kernel, stride, padding, activation, l2, trainable, name, output};
constexpr std::array dense{units, activation, l2, trainable, name};
constexpr std::array any_pool{pool, stride, padding, name};
constexpr std::array upsample{size, interpolation, name};
constexpr std::array dropout{rate, name};

}  // namespace keys

constexpr std::array kinds{name_of(LayerKind::conv2d),   name_of(LayerKind::conv2d_transpose), name_of(LayerKind::dense),
                           name_of(LayerKind::max_pool), name_of(LayerKind::average_pool),     name_of(LayerKind::upsample),
                           name_of(LayerKind::dropout)};  // in LayerKind's order

std::span<const Key> keys_of(LayerKind kind) {
    switch (kind) {
    case LayerKind::conv2d:
        return keys::conv2d;
    case LayerKind::conv2d_transpose:
        return keys::conv2d_transpose;
    case LayerKind::dense:
        return keys::dense;
    case LayerKind::max_pool:
    case LayerKind::average_pool:
        return keys::any_pool;
    case LayerKind::upsample:
        return keys::upsample;
    default:
        return keys::dropout;
    }
}

Words names_of(std::span<const Key> allowed) {
    Words names;
    for (const Key &key : allowed) names.push_back(key.name);
    return names;
}

/// Returns the keys' defaults, Keras's. A stride of 0 becomes the window's extent.
LayerStatement defaults_of(LayerKind kind) {
    LayerStatement statement;
    statement.kind = kind;
    const bool is_pool = kind == LayerKind::max_pool || kind == LayerKind::average_pool;
    if (is_pool || kind == LayerKind::upsample) statement.y = statement.x = {.kernel = 2, .stride = 0};
    return statement;
}

/// Throws Error unless every window reaches a cell of the grid.
void check_zeros(const LayerStatement &statement) {
    for (const auto &[window, what] : {std::pair{statement.y, "height"}, std::pair{statement.x, "width"}}) {
        if (window.before >= window.kernel || window.after >= window.kernel)
            throw Error(fmt::format("the padding {} is not less than the kernel's {} {}; a window would see zeros alone",
                                    std::max(window.before, window.after), what, window.kernel));
    }
}

}  // namespace

std::span<const std::string_view> layer_kinds() {
    return kinds;
}

Shape parse_shape(std::string_view word) {
    const std::vector<int> extents = numbers(word, 'x');
    if (extents.size() != 3)
        throw Error(fmt::format("'{}' is not a shape; write 28x28x1, say, for rows x columns x channels (1 to 9999)", word));
    return {extents[0], extents[1], extents[2]};
}

std::string read_function(std::string_view what, std::string_view before, std::string_view value, std::span<const Function> known) {
    const std::string_view name = value.substr(0, value.find('('));
    const std::optional<Function> plain = parse_function(name, known);
    if (!plain) {
        Words names;
        for (const Function &function : known) names.push_back(function.name);
        const std::string all = fmt::format("the {}", what == "loss" ? "losses" : "activations");
        throw Error(fmt::format("there is no {} '{}'; {}", what, name, suggestion(name, all, names)));
    }
    const std::optional<Function> function = parse_function(value, known);
    if (function && function->parameter == plain->parameter) return std::string(name);
    if (function) return fmt::format("{}({})", name, function->parameter);
    if (plain->parameter == 0) throw Error(fmt::format("{0}{1}: {2} has no parameter; write {0}{2}", before, value, name));
    throw Error(
        fmt::format("{0}{1}: the parameter is a number from 0.0001 to 100; write {0}{2}({3}), say", before, value, name, plain->parameter));
}

LayerStatement parse_layer(std::span<const std::string_view> words) {
    const auto kind = std::ranges::find(kinds, words.front()) - kinds.begin();
    LayerStatement statement = defaults_of(static_cast<LayerKind>(kind));
    statement.text = fmt::format("{}", fmt::join(words, " "));
    const std::span<const Key> allowed = keys_of(statement.kind);
    const Words names = names_of(allowed);
    Words given;
    for (const std::string_view word : words.subspan(1)) {
        const std::size_t equals = word.find('=');
        if (equals == 0 || equals >= word.size() - 1)
            throw Error(fmt::format("'{}' is not key=value; the keys are {}", word, fmt::join(names, ", ")));
        const std::string_view name = word.substr(0, equals);
        const auto key = std::ranges::find(allowed, name, &Key::name);
        if (key == allowed.end())
            throw Error(fmt::format("{} has no key '{}'; {}", words.front(), name, suggestion(name, "its keys", names)));
        if (std::ranges::find(given, name) != given.end()) throw Error(fmt::format("{} is given twice; give it once", name));
        given.push_back(name);
        key->set(statement, word.substr(equals + 1));
    }
    for (const Key &key : allowed) {
        if (!key.example.empty() && std::ranges::find(given, key.name) == given.end())
            throw Error(fmt::format("{0} is missing; add {0}={1}, say", key.name, key.example));
    }
    for (Window *window : {&statement.y, &statement.x}) {
        if (window->stride == 0) window->stride = window->kernel;
    }
    check_zeros(statement);
    return statement;
}

void check_name(std::string_view name, const std::string &what) {
    constexpr std::size_t most_letters = 64;
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz", others = "0123456789_";
    const auto is_allowed = [&](char letter) {
        return letters.find(letter) != std::string_view::npos || others.find(letter) != std::string_view::npos;
    };
    if (name.empty() || name.size() > most_letters || letters.find(name.front()) == std::string_view::npos ||
        !std::ranges::all_of(name, is_allowed))
        throw Error(what + "not a name; use small letters, digits and _, a letter first, 64 at most");
}

}  // namespace castnet

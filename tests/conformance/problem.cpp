#include "tests/conformance/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "generators/language/fusion.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

[[noreturn]] void refuse_word(const std::string &word) {
    throw Error(fmt::format("'{}' has no meaning in a problem; one is conv2d 28x28x1 filters=32 kernel=3 images=2 pass=forward", word));
}

int number(const std::string &text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1) refuse_word(text);
    return value;
}

std::size_t index_in(const std::vector<std::string> &names, const std::string &name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) refuse_word(name);
    return std::size_t(found - names.begin());
}

/// Sets a key. Returns false if it is the layer's.
bool set_key(Problem &problem, const std::string &key, const std::string &value) {
    if (key == "images") {
        problem.images = number(value);
    } else if (key == "decays") {
        problem.decays = index_in({"false", "true"}, value) == 1;
    } else if (key == "schedule") {
        problem.schedule = value;
    } else if (key == "pass") {
        problem.pass = static_cast<Pass>(index_in(pass_names, value));
    } else {
        return false;
    }
    return true;
}

std::string padding_text(const Window &y, const Window &x) {
    if (y.padding == PaddingMode::same) return "same";
    if (y.padding == PaddingMode::valid) return "valid";
    return fmt::format("{},{},{},{}", y.before, y.after, x.before, x.after);
}

/// Returns the statement in the network language, with the input's shape as its second word.
std::string layer_text(const Layer &placed) {
    const LayerStatement &layer = placed.statement;
    const Shape &input = placed.input;
    const std::string upsampled =
        placed.description().takes_in_upsample() ? fmt::format(" upsampled={}x{}", placed.upsampled_y, placed.upsampled_x) : "";
    const std::string output = layer.output ? fmt::format(" output={}x{}", layer.output->height, layer.output->width) : "";
    return fmt::format("{} {}x{}x{} filters={} kernel={}x{} stride={}x{} padding={}{} activation={}{}", name_of(layer.kind), input.height,
                       input.width, input.channels, layer.filters, layer.y.kernel, layer.x.kernel, layer.y.stride, layer.x.stride,
                       padding_text(layer.y, layer.x), output, layer.activation, upsampled);
}

/// Lets the layer take in an upsample, `upsampled=HxW`, that makes its input. Throws Error if it cannot.
void upsample(Layer &layer, const std::string &upsampled) {
    const Shape factors = parse_shape(upsampled.substr(upsampled.find('=') + 1) + "x1"), &input = layer.input;
    Layer before = read_layer("upsample size=" + upsampled.substr(upsampled.find('=') + 1),
                              {std::max(1, input.height / factors.height), std::max(1, input.width / factors.width), input.channels});
    if (!take_in(layer, before)) refuse_word(upsampled);
}

}  // namespace

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

std::string Problem::text() const {
    return fmt::format("{} images={} decays={} schedule={} pass={}", layer_text(layer), images, decays, schedule,
                       pass_names[static_cast<std::size_t>(pass)]);
}

Problem Problem::parse(const std::string &text) {
    const std::vector<std::string> words = split(text, ' ');
    // A dense layer is one of these, with a kernel that covers its grid.
    if (words.size() < 2 || (words[0] != name_of(LayerKind::conv2d) && words[0] != name_of(LayerKind::conv2d_transpose))) refuse_word(text);
    Problem problem;
    std::string statement = words[0], upsampled;
    for (std::size_t i = 2; i < words.size(); i++) {
        const std::size_t equals = words[i].find('=');
        const bool is_key = equals != std::string::npos;
        if (words[i].starts_with("upsampled=")) {
            upsampled = words[i];
        } else if (!is_key || !set_key(problem, words[i].substr(0, equals), words[i].substr(equals + 1))) {
            statement += " " + words[i];
        }
    }
    problem.layer = read_layer(statement, parse_shape(words[1]));
    if (!upsampled.empty()) upsample(problem.layer, upsampled);
    if (problem.layer.statement.l2 != 0 || !problem.layer.statement.name.empty()) refuse_word(statement);
    if (problem.pass == Pass::adjoint && (problem.layer.statement.activation != "linear" || problem.decays))
        throw Error("pass=adjoint is of linear layers without decay: " + text);
    return problem;
}

std::optional<Problem> Problem::placed() const {
    try {
        return parse(text());
    } catch (const Error &) {
        return std::nullopt;
    }
}

}  // namespace castnet::test

#include "tests/conformance/problem.h"

#include <algorithm>
#include <charconv>
#include <sstream>
#include <stdexcept>

namespace castnet::test {
namespace {

[[noreturn]] void refuse_word(const std::string &word) {
    throw std::runtime_error("'" + word + "' has no meaning in a problem; one is " + Problem{}.text());
}

int number(const std::string &text) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 1) refuse_word(text);
    return value;
}

/// "9x7x3" as its `count` numbers.
std::vector<int> numbers(const std::string &text, std::size_t count) {
    std::vector<int> values;
    for (const std::string &part : split(text, 'x')) values.push_back(number(part));
    if (values.size() != count) refuse_word(text);
    return values;
}

const std::string &one_of(const std::vector<std::string> &names, const std::string &name) {
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) refuse_word(name);
    return *found;
}

void set_key(Problem &problem, const std::string &key, const std::string &value) {
    const auto set_pair = [&](int &first, int &second) {
        const std::vector<int> pair = numbers(value, 2);
        first = pair[0];
        second = pair[1];
    };
    Layer &layer = problem.layer;
    if (key == "filters") {
        layer.filters = number(value);
    } else if (key == "kernel") {
        set_pair(layer.kernel_height, layer.kernel_width);
    } else if (key == "stride") {
        set_pair(layer.stride_y, layer.stride_x);
    } else if (key == "padding") {
        layer.same = one_of({"same", "valid"}, value) == "same";
    } else if (key == "activation") {
        problem.activation = one_of(activation_names, value);
    } else if (key == "images") {
        problem.images = number(value);
    } else if (key == "decays") {
        problem.decays = one_of({"true", "false"}, value) == "true";
    } else if (key == "schedule") {
        problem.schedule = value;
    } else if (key == "pass") {
        problem.pass = static_cast<Pass>(std::ranges::find(pass_names, one_of(pass_names, value)) - pass_names.begin());
    } else {
        refuse_word(key);
    }
}

}  // namespace

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

std::string Problem::text() const {
    return layer.describe() + " activation=" + activation + " images=" + std::to_string(images) + " decays=" + (decays ? "true" : "false") +
           " schedule=" + schedule + " pass=" + pass_names[static_cast<std::size_t>(pass)];
}

Problem Problem::parse(const std::string &text) {
    const std::vector<std::string> words = split(text, ' ');
    if (words.size() < 2) refuse_word(text);
    Problem problem;
    problem.layer.transpose = one_of({"conv2d", "conv2d_transpose"}, words[0]) == "conv2d_transpose";
    const std::vector<int> shape = numbers(words[1], 3);
    problem.layer.input = {shape[0], shape[1], shape[2]};
    for (std::size_t i = 2; i < words.size(); i++) {
        const std::size_t equals = words[i].find('=');
        if (equals == std::string::npos) refuse_word(words[i]);
        set_key(problem, words[i].substr(0, equals), words[i].substr(equals + 1));
    }
    if (problem.pass == Pass::adjoint && (problem.activation != "linear" || problem.decays))
        throw std::runtime_error("pass=adjoint is of linear layers without decay: " + text);
    if (!problem.has_output()) throw std::runtime_error("the kernel is larger than the input: " + text);
    return problem;
}

double Problem::products() const {
    const Shape small = layer.small();
    return double(images) * small.height * small.width * double(layer.kernel_size());
}

}  // namespace castnet::test

#include "tests/conformance/tuned.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <stdexcept>

namespace castnet::test {
namespace {

using Keys = std::map<std::string, std::string>;

/// "14x14x32" as its numbers.
std::vector<int> extents(const std::string &text) {
    std::vector<int> values;
    for (const std::string &part : split(text, 'x')) values.push_back(std::stoi(part));
    values.resize(3, 1);
    return values;
}

Shape shape(const std::string &text) {
    const std::vector<int> values = extents(text);
    return {values[0], values[1], values[2]};
}

/// The layer whose grids and padding the key has, as the compiler writes it (generators/language/pipelines.h).
Layer layer_of(const Keys &keys, bool transpose) {
    const Shape large = shape(keys.at("large")), small = shape(keys.at("small"));
    const std::vector<int> kernel = extents(keys.at("kernel")), stride = extents(keys.at("stride")), pad = extents(keys.at("pad"));
    for (const bool same : {false, true}) {
        const Layer layer{.transpose = transpose,
                          .input = transpose ? small : large,
                          .filters = transpose ? large.channels : small.channels,
                          .kernel_height = kernel[0],
                          .kernel_width = kernel[1],
                          .stride_y = stride[0],
                          .stride_x = stride[1],
                          .same = same};
        if (layer.large() == large && layer.small() == small && layer.pad_y() == pad[0] && layer.pad_x() == pad[1]) return layer;
    }
    throw std::runtime_error("no layer has large=" + keys.at("large") + " small=" + keys.at("small"));
}

/// correlate is a conv2d's forward and a conv2d_transpose's backward_data, spread the reverse.
Problem problem_of(const std::string &generator, const Keys &keys) {
    Problem problem;
    problem.images = 2;
    bool transpose = false;
    if (generator == "kernel_gradient") {
        problem.pass = Pass::backward_weights;
        problem.decays = keys.at("decays") == "true";
        transpose = keys.at("output_grid") == "large";
    } else {
        const bool forward = keys.at("pass") == "forward";
        problem.pass = forward ? Pass::forward : Pass::backward_data;
        problem.activation = keys.at("activation");
        transpose = (generator == "spread") == forward;
    }
    problem.layer = layer_of(keys, transpose);
    return problem;
}

/// "correlate large=14x14x32 … : block=1 method=channels … : 98 % of the FMA peak …"
void add_line(std::vector<Problem> &problems, const std::string &line) {
    const std::size_t first = line.find(" : "), second = line.find(" : ", first + 1);
    if (line.starts_with('#') || second == std::string::npos) return;
    std::string schedule = line.substr(first + 3, second - first - 3);
    if (schedule == "default" || schedule.starts_with("autoscheduler=")) return;
    const std::vector<std::string> words = split(line.substr(0, first), ' ');
    Keys keys;
    for (std::size_t i = 1; i < words.size(); i++) {
        const std::vector<std::string> pair = split(words[i], '=');
        keys[pair.at(0)] = pair.at(1);
    }
    Problem problem = problem_of(words.at(0), keys);
    std::ranges::replace(schedule, ' ', ',');
    problem.schedule = schedule;
    problems.push_back(problem);
}

}  // namespace

std::vector<Problem> tuned_problems(const std::filesystem::path &folder) {
    std::vector<Problem> problems;
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".txt") continue;
        std::ifstream file(entry.path());
        for (std::string line; std::getline(file, line);) add_line(problems, line);
    }
    return problems;
}

}  // namespace castnet::test

#include "tests/conformance/tuned.h"

#include <algorithm>
#include <fstream>
#include <map>

#include "train/files/error.h"

namespace castnet::test {
namespace {

using Keys = std::map<std::string, std::string>;

/// Returns the zeros before and after dimension `d` of the key's grids, as the network language writes them.
std::string zeros(const Keys &keys, std::size_t d) {
    const auto extent = [&](const char *key) { return std::stoi(split(keys.at(key), 'x').at(d)); };
    const int before = extent("pad"), reach = (extent("small") - 1) * extent("stride") + extent("kernel");
    return std::to_string(before) + "," + std::to_string(std::max(0, reach - before - extent("large")));
}

/// Returns the problem of a layer with the grids and padding of a key, which the compiler writes (generators/language/pipelines.h).
Problem problem_of(const Keys &keys, bool transpose, const std::string &pass) {
    const auto channels = [&](const char *grid) { return split(keys.at(grid), 'x').at(2); };
    const std::string &large = keys.at("large"), &small = keys.at("small");
    const std::string geometry =
        " kernel=" + keys.at("kernel") + " stride=" + keys.at("stride") + " padding=" + zeros(keys, 0) + "," + zeros(keys, 1);
    const std::string layer = transpose ? "conv2d_transpose " + small + " filters=" + channels("large") + geometry +
                                              " output=" + large.substr(0, large.rfind('x'))
                                        : "conv2d " + large + " filters=" + channels("small") + geometry;
    Problem problem = Problem::parse(layer + " images=2 pass=" + pass);
    if (problem.layer.output != parse_shape(transpose ? large : small)) throw Error("no layer has large=" + large + " small=" + small);
    return problem;
}

/// Maps correlate to conv2d's forward and conv2d_transpose's backward_data, and spread in reverse.
Problem problem_of(const std::string &generator, const Keys &keys) {
    if (generator == "kernel_gradient")
        return problem_of(keys, keys.at("output_grid") == "large", "backward_weights decays=" + keys.at("decays"));
    const std::string &pass = keys.at("pass");
    return problem_of(keys, (generator == "spread") == (pass == "forward"), pass + " activation=" + keys.at("activation"));
}

/// Parses "correlate large=14x14x32 … : block=1 method=channels … : 98 % of the FMA peak …"
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

#include "generators/compiler/schedules.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

/// Returns the parts between " : ".
std::vector<std::string> split(const std::string &line) {
    constexpr std::string_view separator = " : ";
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = line.find(separator, begin)) != std::string::npos; begin = end + separator.size())
        parts.push_back(line.substr(begin, end - begin));
    parts.push_back(line.substr(begin));
    return parts;
}

/// Parses "tile=4x7x1x1 unroll=2". Throws Error.
Schedule parse_values(std::istream &words) {
    Schedule values;
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        if (equals == 0 || equals >= word.size() - 1) throw Error(fmt::format("'{}' is not name=value", word));
        values[word.substr(0, equals)] = word.substr(equals + 1);
    }
    return values;
}

Schedule parse_schedule(const std::string &text) {
    if (text == "default") return {};
    std::istringstream words(text);
    Schedule schedule = parse_values(words);
    if (schedule.empty()) throw Error("there is no schedule; where the shapes choose best it is default");
    return schedule;
}

/// Throws Error unless the key is a generator and its values.
void check_key(const std::string &key) {
    std::istringstream words(key);
    std::string generator;
    words >> generator;
    const bool is_name = generator.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
    if (!is_name || parse_values(words).empty())
        throw Error(fmt::format("'{}' is not a pipeline, such as correlate large=28x28x1 small=14x14x32 …", key));
}

/// Returns the version that the text ends with. Throws Error.
std::string parse_version(const std::string &measured) {
    constexpr std::string_view before = "Halide ";
    const std::size_t found = measured.rfind(before);
    std::string version = found == std::string::npos ? "" : measured.substr(found + before.size());
    if (version.empty() || version.find_first_not_of("0123456789.") != std::string::npos)
        throw Error(fmt::format("'{}' does not end with Halide and its version, such as Halide 21.0.0", measured));
    return version;
}

void parse_line(const std::string &line, const std::filesystem::path &file, ScheduleTable &table) {
    const std::vector<std::string> parts = split(line);
    if (parts.size() != 3) throw Error("this is not PIPELINE : SCHEDULE : what was measured, Halide VERSION");
    check_key(parts[0]);
    table[parts[0]] = {.schedule = parse_schedule(parts[1]), .halide = parse_version(parts[2]), .table = file};
}

}  // namespace

ScheduleTable read_schedules(const std::filesystem::path &file) {
    std::istringstream lines(read_text(file));
    ScheduleTable table;
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        number++;
        if (line.ends_with('\r')) line.pop_back();
        if (line.find_first_not_of(' ') == std::string::npos || line.starts_with('#')) continue;
        try {
            parse_line(line, file, table);
        } catch (const Error &error) {
            throw Error(fmt::format("{}:{}: error: {}; remove the line, or let the autotuner write the file anew", file.string(), number,
                                    error.what()));
        }
    }
    return table;
}

}  // namespace castnet

#include "generators/compiler/schedules.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "runtime/error.h"
#include "runtime/file.h"

namespace castnet {
namespace {

Schedule parse_schedule(const std::string &text) {
    Schedule schedule;
    std::istringstream words(text == "default" ? "" : text);
    for (std::string word; words >> word;) {
        const std::size_t equals = word.find('=');
        if (equals == 0 || equals >= word.size() - 1) throw Error(fmt::format("'{}' is not name=value", word));
        schedule[word.substr(0, equals)] = word.substr(equals + 1);
    }
    return schedule;
}

/// What /proc/cpuinfo says first, by its names.
std::map<std::string, std::string> cpu_info() {
    std::map<std::string, std::string> info;
    std::ifstream lines("/proc/cpuinfo");
    for (std::string line; std::getline(lines, line);) {
        const std::size_t name_end = line.find_first_of("\t:"), value = line.find(": ");
        if (value != std::string::npos) info.emplace(line.substr(0, name_end), line.substr(value + 2));
    }
    return info;
}

}  // namespace

ScheduleTable read_schedules(const std::filesystem::path &file) {
    std::istringstream lines(read_text(file));
    ScheduleTable table;
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        number++;
        if (line.find_first_not_of(" \r") == std::string::npos || line.starts_with('#')) continue;
        const std::size_t schedule = line.find(" : "),
                          measured = schedule == std::string::npos ? std::string::npos : line.find(" : ", schedule + 3);
        try {
            if (measured == std::string::npos) throw Error("this is not PIPELINE : SCHEDULE : what was measured");
            table[line.substr(0, schedule)] = parse_schedule(line.substr(schedule + 3, measured - schedule - 3));
        } catch (const Error &error) {
            throw Error(fmt::format("{}:{}: error: {}; remove the line, or let the autotuner write the file anew", file.string(), number,
                                    error.what()));
        }
    }
    return table;
}

std::string cpu_kind() {
    std::map<std::string, std::string> info = cpu_info();
    const std::string vendor = info["vendor_id"];
    if (vendor.empty()) return info["CPU part"].empty() ? "" : fmt::format("arm-{}-{}", info["CPU implementer"], info["CPU part"]);
    std::string kind = fmt::format("{}-{}-{}",
                                   vendor == "GenuineIntel"   ? "intel"
                                   : vendor == "AuthenticAMD" ? "amd"
                                                              : vendor,
                                   info["cpu family"], info["model"]);
    const std::string flags = fmt::format(" {} ", info["flags"]);
    for (const auto &[flag, name] : {std::pair{" avx512f ", "-avx512"}, std::pair{" avx2 ", "-avx2"}, std::pair{" sse4_1 ", "-sse4_1"}}) {
        if (flags.find(flag) == std::string::npos) continue;
        kind += name;
        break;
    }
    std::ranges::transform(kind, kind.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return kind;
}

}  // namespace castnet

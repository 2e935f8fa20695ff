// The programs, run as a user runs them.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

namespace castnet::test {

struct Run {
    int status = -1;
    std::string output;  // standard output and error
};

/// Runs a program of the build with arguments, behind `prefix`, without the user's data and home.
inline Run run(const std::string &arguments, const std::string &prefix = "") {
    Run result;
    const std::string command = "env -u CASTNET_DATA HOME=/nonexistent " + prefix + CASTNET_BIN "/" + arguments + " 2>&1";
    FILE *pipe = popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> part{};
    while (const std::size_t got = fread(part.data(), 1, part.size(), pipe)) result.output.append(part.data(), got);
    const int status = pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

inline void check_error(const std::string &arguments, const std::string &reason) {
    CAPTURE(arguments);
    const Run result = run(arguments);
    CAPTURE(result.output);
    CHECK(result.status == 1);
    CHECK(result.output.starts_with("error: "));
    CHECK(result.output.find(reason) != std::string::npos);
    CHECK(result.output.find('\n') == result.output.size() - 1);  // one line
}

}  // namespace castnet::test

// Runs the programs as a user does.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <string>

namespace castnet::test {

struct Run {
    int status = -1;
    std::string output;  // standard output and error
};

/// Returns the shell command of a program of the build, after `prefix`, without the user's data and home.
inline std::string command_of(const std::string &arguments, const std::string &prefix = "") {
    return "env -u CASTNET_DATA HOME=/nonexistent " + prefix + CASTNET_BIN "/" + arguments;
}

inline int status_of(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

inline Run run(const std::string &arguments, const std::string &prefix = "") {
    Run result;
    FILE *pipe = popen((command_of(arguments, prefix) + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::array<char, 4096> part{};
    while (const std::size_t got = fread(part.data(), 1, part.size(), pipe)) result.output.append(part.data(), got);
    result.status = status_of(pclose(pipe));
    return result;
}

/// A program that runs beside the test.
class Running {
public:
    /// Runs `before` in the same shell first.
    explicit Running(const std::string &arguments, const std::string &before = "") {
        std::array<int, 2> ends{};
        REQUIRE(pipe2(ends.data(), O_CLOEXEC) == 0);
        child_ = fork();
        REQUIRE(child_ >= 0);
        if (child_ == 0) {
            dup2(ends[1], STDOUT_FILENO);
            // Whoever runs the tests by nohup or in the background has them ignore these, and a child would too.
            for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_DFL);
            execl("/bin/sh", "sh", "-c", (before + "exec " + command_of(arguments)).c_str(), nullptr);
            _exit(127);
        }
        close(ends[1]);
        output_ = ends[0];
    }
    Running(const Running &) = delete;
    Running &operator=(const Running &) = delete;
    ~Running() { stop_reading(); }

    /// Reads output until the text appears. Returns false if the program ends before.
    bool says(const std::string &text) {
        while (said_.find(text) == std::string::npos) {
            std::array<char, 4096> part{};
            const ssize_t got = read(output_, part.data(), part.size());
            if (got <= 0) return false;
            said_.append(part.data(), std::size_t(got));
        }
        return true;
    }
    void send(int signal) const { REQUIRE(kill(child_, signal) == 0); }
    void stop_reading() {
        if (output_ >= 0) close(output_);
        output_ = -1;
    }
    /// Waits for the program's end and returns its standard output.
    Run end() {
        (void)says("\x01");  // never appears
        int status = -1;
        REQUIRE(waitpid(child_, &status, 0) == child_);
        return {status_of(status), said_};
    }

private:
    pid_t child_ = -1;
    int output_ = -1;
    std::string said_;
};

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

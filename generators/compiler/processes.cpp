#include "generators/compiler/processes.h"

#include <Halide.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <new>

#include "train/files/descriptor.h"
#include "train/files/error.h"

namespace castnet {
namespace {

/// Runs the task. Returns the message of what it throws; empty if it returns.
std::string outcome(const std::function<void(std::size_t)> &task, std::size_t index) {
    try {
        task(index);
        return "";
    } catch (const Halide::Error &error) {  // not a std::exception
        return Error(error.what()).what();
    } catch (const std::bad_alloc &) {
        return "there is not enough memory";
    } catch (const std::exception &error) {
        return Error(error.what()).what();
    }
}

/// A running child, and the end of the pipe that it writes its outcome to.
struct Child {
    std::size_t index;
    int outcome;
};

Child start(const std::function<void(std::size_t)> &task, std::size_t index, pid_t &process) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) throw Error(fmt::format("no pipe can be made ({})", std::strerror(errno)));
    std::fflush(nullptr);  // or the child would print it again
    process = fork();
    if (process < 0) throw Error(fmt::format("no process can be started ({})", std::strerror(errno)));
    if (process == 0) {
        std::set_terminate(std::abort);  // silent: the parent reports it
        const std::string text = outcome(task, index);
        const bool is_written =
            uninterrupted([&] { return write(ends[1], text.data(), text.size()); }) == static_cast<ssize_t>(text.size());
        _exit(text.empty() && is_written ? 0 : 1);
    }
    close(ends[1]);
    return {.index = index, .outcome = ends[0]};
}

std::string finish(const Child &child, int status) {
    std::array<char, 2048> text{};  // an Error is shorter, and the pipe has room for it
    const ssize_t size = uninterrupted([&] { return read(child.outcome, text.data(), text.size()); });
    close(child.outcome);
    if (WIFSIGNALED(status)) return fmt::format("the compiler crashed: {}", strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 0) return "";
    return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "the compiler ended without a word";
}

}  // namespace

std::vector<std::string> run_in_processes(std::size_t count, std::size_t workers, const std::function<void(std::size_t)> &task) {
    std::vector<std::string> outcomes(count);
    std::map<pid_t, Child> children;
    for (std::size_t next = 0; next < count || !children.empty();) {
        if (next < count && children.size() < workers) {
            pid_t process = 0;
            const Child child = start(task, next++, process);
            children.emplace(process, child);
            continue;
        }
        int status = 0;
        const pid_t ended = uninterrupted([&] { return wait(&status); });
        if (ended < 0) throw Error(fmt::format("the compiler's processes are gone ({})", std::strerror(errno)));
        if (const auto child = children.find(ended); child != children.end()) {
            outcomes[child->second.index] = finish(child->second, status);
            children.erase(child);
        }
    }
    return outcomes;
}

}  // namespace castnet

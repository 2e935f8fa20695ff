#include "train/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

namespace castnet {
namespace {

std::string one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

/// Asks for no memory itself.
int report_no_memory() noexcept {
    std::fputs("error: there is not enough memory; use fewer images or a smaller batch\n", stderr);
    return 1;
}

std::atomic<bool> memory_ran_out{false};
std::terminate_handler usual_end = nullptr;

void note_no_memory() {
    memory_ran_out = true;
    throw std::bad_alloc();
}

[[noreturn]] void end_in_one_line() {
    if (memory_ran_out) std::_Exit(report_no_memory());
    usual_end();
    std::abort();
}

/// CLI11, nlohmann's JSON and the library's own directories allocate where no exception can leave, and CLI11 before main(): hence before
/// the constructors of all that is not the compiler's.
[[gnu::constructor(101)]] void watch_memory() {
    std::set_new_handler(note_no_memory);
    usual_end = std::set_terminate(end_in_one_line);
}

int report(const std::string &text) {
    fmt::print(stderr, "error: {}\n", one_line(text));
    return 1;
}

}  // namespace

int run_program(CLI::App &app, int argc, char **argv, const std::function<void()> &run) {
    app.set_version_flag("--version", fmt::format("{} {}", app.get_name(), CASTNET_VERSION));
    try {
        app.parse(argc, argv);
        run();
        if (std::fflush(stdout) != 0) return report("standard output cannot be written; check where it goes");
        return 0;
    } catch (const CLI::Success &success) {  // --help, --version
        return app.exit(success);
    } catch (const CLI::ParseError &error) {
        return report(fmt::format("{}; {} --help lists what is allowed", one_line(error.what()), app.get_name()));
    } catch (const std::bad_alloc &) {
        return report_no_memory();
    } catch (const std::exception &error) {
        return report(error.what());
    }
}

void warn(const std::string &text) {
    fmt::print(stderr, "warning: {}\n", one_line(text));
}

}  // namespace castnet

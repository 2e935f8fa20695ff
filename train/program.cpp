#include "train/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <thread>

namespace castnet {
namespace {

std::string one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
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
        return report("there is not enough memory; use fewer images or a smaller batch");
    } catch (const std::exception &error) {
        return report(error.what());
    }
}

int default_threads() {
    return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace castnet

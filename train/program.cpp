#include "train/program.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>

#include "train/options/checked_option.h"

namespace castnet {
namespace {

std::string one_line(std::string text) {
    std::ranges::replace(text, '\n', ' ');
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text;
}

/// Allocates no memory itself.
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

/// Handles running out of memory where no exception can leave: in CLI11, nlohmann's JSON and the standard library's directories. CLI11
/// allocates before main(), so this runs before all constructors but the compiler's own.
[[gnu::constructor(101)]] void watch_memory() {
    std::set_new_handler(note_no_memory);
    usual_end = std::set_terminate(end_in_one_line);
}

int report(const std::string &text, const Reporter &reporter) {
    const std::optional<std::string> line = reporter ? reporter(one_line(text)) : text;
    return line ? fail(*line) : 1;
}

/// Prints one line per option, with its default and its restrictions in words.
class HelpFormatter : public CLI::Formatter {
public:
    std::string make_option_opts(const CLI::Option *option) const override {
        return option->get_type_size() == 0 ? "" : " " + option->get_type_name();
    }
    std::string make_option_desc(const CLI::Option *option) const override {
        std::string text = option->get_description();
        if (option->get_required()) text += " (required)";
        if (!option->get_default_str().empty()) text += fmt::format(" (default {})", option->get_default_str());
        for (const CLI::Option *other : option->get_excludes()) text += fmt::format(" (not with {})", other->get_name());
        return text;
    }
};

std::vector<CLI::App *> commands_of(CLI::App &app) {
    return app.get_subcommands([](const CLI::App *) { return true; });
}

/// Returns the command that was given, or the program: whichever received the wrong arguments.
const CLI::App &receiver(const CLI::App &app) {
    const std::vector<CLI::App *> given = app.get_subcommands();
    return given.empty() || app.remaining_size() > 0 ? app : *given.front();
}

std::string command_names(CLI::App &app) {
    std::vector<std::string> names;
    for (const CLI::App *command : commands_of(app)) names.push_back(command->get_name());
    return alternatives(names);
}

/// Says in one line what is wrong with the arguments, and what to do.
std::string explain(CLI::App &app, const CLI::ParseError &error) {
    const CLI::App &wrong = receiver(app);
    const std::string program = &wrong == &app ? app.get_name() : app.get_name() + " " + wrong.get_name();
    const std::string advice = fmt::format("{} --help lists what is allowed", program);
    const bool wants_command = !commands_of(app).empty() && app.get_subcommands().empty();
    if (const std::vector<std::string> rest = wrong.remaining(); !rest.empty()) {
        const std::string &word = rest.front();
        if (word.starts_with('-')) return fmt::format("{}: is no option of {}; {}", word, program, advice);
        if (wants_command) return fmt::format("{}: is no command of {}; give {}", word, program, command_names(app));
        return fmt::format("{}: belongs to no option of {}; {}", word, program, advice);
    }
    if (wants_command) return fmt::format("{}: needs a command; give {}", program, command_names(app));
    const std::string text = one_line(error.what()), name = text.substr(0, text.find_first_of(": "));
    if (dynamic_cast<const CLI::ArgumentMismatch *>(&error) == nullptr) return fmt::format("{}; {}", text, advice);
    const CLI::Option *option = wrong.get_option_no_throw(name);
    if (option == nullptr) return fmt::format("--{}: takes no value; {}", name, advice);  // a flag, which CLI11 names without dashes
    if (option->count() > 1) return fmt::format("{}: is given {} times; give it once", name, option->count());
    return fmt::format("{}: needs a value; {}", name, advice);
}

}  // namespace

int run_program(CLI::App &app, int argc, char **argv, const std::function<void()> &run, const Reporter &reporter) {
    app.set_version_flag("--version", fmt::format("{} {}", app.get_name(), CASTNET_VERSION));
    const auto formatter = std::make_shared<HelpFormatter>();
    formatter->label("SUBCOMMAND", "COMMAND");
    app.formatter(formatter);
    for (CLI::App *command : commands_of(app)) command->formatter(formatter)->group("Commands");
    std::signal(SIGPIPE, SIG_IGN);  // when the reader is gone, writing fails instead of ending the program
    try {
        app.parse(argc, argv);
        run();
        if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
            return report("standard output cannot be written; check where it goes", reporter);
        return 0;
    } catch (const CLI::Success &success) {  // --help, --version
        return app.exit(success);
    } catch (const CLI::ParseError &error) {
        return report(explain(app, error), reporter);
    } catch (const std::bad_alloc &) {
        return report_no_memory();
    } catch (const std::exception &error) {
        return report(error.what(), reporter);
    }
}

int fail(const std::string &text) {
    std::fputs(fmt::format("error: {}\n", one_line(text)).c_str(), stderr);
    return 1;
}

void warn(const std::string &text) {
    std::fputs(fmt::format("warning: {}\n", one_line(text)).c_str(), stderr);  // ignores that its reader may be gone
}

void print_written(const std::filesystem::path &file) {
    // A pipe, such as /dev/stdout may be, gets the output and nothing else.
    std::error_code ignored;
    if (std::filesystem::is_regular_file(file, ignored)) fmt::print("wrote {}\n", file.string());
}

}  // namespace castnet

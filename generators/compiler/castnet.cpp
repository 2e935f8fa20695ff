// castnet compiles a network's text to one static library.
#include <Halide.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "generators/compiler/compile.h"
#include "generators/compiler/depfile.h"
#include "generators/compiler/describe.h"
#include "generators/compiler/summary.h"
#include "generators/compiler/tables.h"
#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

Architecture read_network(const Path &file) {
    return read_architecture(file.string(), read_text(file));
}

Path this_program() {
    return std::filesystem::read_symlink("/proc/self/exe");
}

/// Returns a file or folder that comes with the compiler: in the package, or in the sources that it was built from.
Path shipped(const Path &name) {
    const Path installed = this_program().parent_path().parent_path() / name;
    return std::filesystem::exists(installed) ? installed : Path(CASTNET_SOURCE_FOLDER) / name;
}

Path shipped_tables() {
    return shipped("generators/schedules");
}

/// Returns what --schedules chooses: one table, none, or the shipped tables with a folder's over them.
TargetSchedules choose_schedules(const std::string &option, const Level &level) {
    if (option == "none") return {};
    if (option.empty()) return find_schedules({shipped_tables()}, level);
    if (std::filesystem::is_directory(option)) return find_schedules({shipped_tables(), option}, level);
    return {.table = read_schedules(option), .files = {option}, .folders = {}};
}

void report(const std::string &what) {
    const bool has_place = what.find(": error: ") != std::string::npos;
    fmt::print(stderr, "{}{}\n", has_place ? "" : "error: ", what);
}

/// The options of the command line.
struct Options {
    Path network, output = ".", depfile;
    std::string target, schedules, emit = "library";
    bool as_json = false;
};

void add_common_options(CLI::App &command, Options &options) {
    command.add_option("network", options.network, "The network's text")->type_name("NAME.castnet")->required();
    command
        .add_option("--target", options.target,
                    "The Halide target to compile for, or levels of x86-64 that the library chooses from; x86-64: its three; by default "
                    "this machine")
        ->type_name("TARGET,…");
    command
        .add_option("--schedules", options.schedules,
                    "A table of tuned schedules, none, or a folder of tables that override those of castnet, the default")
        ->type_name("FILE|FOLDER|none");
}

void write_depfile(const Options &options, const std::string &name, const std::vector<TargetSchedules> &schedules) {
    std::vector<Path> prerequisites{options.network, this_program()};
    for (const TargetSchedules &one : schedules) {
        for (const auto *paths : {&one.files, &one.folders}) prerequisites.insert(prerequisites.end(), paths->begin(), paths->end());
    }
    std::vector<Path> made{options.output / (name + ".h")};
    if (options.emit == "library") made.insert(made.begin(), options.output / fmt::format("lib{}.a", name));
    write_file(options.depfile, depfile_of(made, prerequisites));
}

void compile_network(const Options &options) {
    const Architecture architecture = read_network(options.network);
    CompileOptions what{.output = options.output,
                        .emit = options.emit == "source" ? Emit::source : Emit::library,
                        .runtime_source = shipped("runtime/source/halide_runtime.cpp"),
                        .targets = {}};
    const bool is_scalar = what.emit == Emit::source && options.target.empty();
    const std::vector<Level> levels = is_scalar ? std::vector{scalar_level()} : parse_levels(options.target);
    if (what.emit == Emit::source && levels.size() > 1)
        throw Error("--emit source: is for one target; the C++ compiler chooses its instructions");
    std::vector<TargetSchedules> schedules;
    for (const Level &level : levels) {
        schedules.push_back(choose_schedules(options.schedules, level));
        what.targets.push_back({level, schedules.back().table});
    }
    compile(architecture, what);
    if (!options.depfile.empty()) write_depfile(options, architecture.name, schedules);
    for (const TargetSchedules &one : schedules) {
        if (const std::string warning = outdated_schedules(architecture, one.table); !warning.empty())
            fmt::print(stderr, "warning: {}\n", warning);
    }
    fmt::print("{}", summary(architecture, what.targets));
}

void describe_network(const Options &options) {
    const Architecture architecture = read_network(options.network);
    const std::vector<Level> levels = parse_levels(options.target);
    const Level &level = level_here(levels);
    const TargetSchedules schedules = choose_schedules(options.schedules, level);
    fmt::print("{}", options.as_json ? describe_as_json(architecture, level, schedules) : describe(architecture, schedules.table));
}

int run(int argc, char **argv) {
    CLI::App app("Casts a neural network: its text becomes a static library and a header.", "castnet");
    app.set_version_flag("--version", fmt::format("castnet {}, Halide {}.{}.{}", CASTNET_VERSION, HALIDE_VERSION_MAJOR,
                                                  HALIDE_VERSION_MINOR, HALIDE_VERSION_PATCH));
    app.require_subcommand(1);
    Options options;
    CLI::App &compile_command = *app.add_subcommand("compile", "Makes libNAME.a, or C++ sources, and NAME.h of NAME.castnet");
    add_common_options(compile_command, options);
    compile_command.add_option("--output", options.output, "The folder that they go into")->type_name("DIR")->capture_default_str();
    compile_command.add_option("--emit", options.emit, "A library, or C++ sources for any compiler: NAME.sources")
        ->check(CLI::IsMember({"library", "source"}))
        ->type_name("library|source")
        ->capture_default_str();
    compile_command.add_option("--depfile", options.depfile, "Where to write their dependencies, for Make and Ninja")->type_name("FILE");
    CLI::App &describe_command = *app.add_subcommand("describe", "Prints layers, shapes, parameters, multiply-adds, memory and pipelines");
    add_common_options(describe_command, options);
    describe_command.add_flag("--json", options.as_json, "For programs");
    try {
        app.parse(argc, argv);
        compile_command.parsed() ? compile_network(options) : describe_network(options);
        if (std::fflush(stdout) != 0) throw Error("standard output cannot be written; check where it goes");
        return 0;
    } catch (const CLI::Success &success) {  // --help, --version
        return app.exit(success);
    } catch (const Halide::Error &error) {  // not a std::exception
        report(Error(error.what()).what());
    } catch (const std::exception &error) {
        report(Error(error.what()).what());
    }
    return 1;
}

}  // namespace
}  // namespace castnet

int main(int argc, char **argv) {
    return castnet::run(argc, argv);
}

// castnet: a network's text in, one static library out.
#include <Halide.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "generators/compiler/compile.h"
#include "generators/compiler/describe.h"
#include "runtime/error.h"
#include "runtime/file.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

Architecture read_network(const Path &file) {
    return read_architecture(file.string(), read_text(file));
}

Halide::Target parse_target(const std::string &text) {
    if (text.empty()) return Halide::get_host_target();
    if (!Halide::Target::validate_target_string(text))
        throw Error(fmt::format("--target {}: is none of Halide's; write host, or x86-64-linux-avx-avx2-f16c-fma-sse41, say", text));
    return Halide::Target(text);
}

/// The tables that come with the compiler: beside the sources that it was built from, or in the package.
Path shipped_tables() {
    const Path program = std::filesystem::read_symlink("/proc/self/exe"),
               installed = program.parent_path().parent_path() / "generators" / "schedules";
    return std::filesystem::is_directory(installed) ? installed : Path(CASTNET_SCHEDULES_FOLDER);
}

/// `option` is a file, none, or empty for the table of this CPU, which is for code that runs here.
ScheduleTable find_schedules(const std::string &option, const Halide::Target &target) {
    if (option == "none") return {};
    if (!option.empty()) return read_schedules(option);
    const Path table = shipped_tables() / (cpu_kind() + ".txt");
    const bool is_for_host = target.without_feature(Halide::Target::NoRuntime) == Halide::get_host_target();
    return is_for_host && std::filesystem::exists(table) ? read_schedules(table) : ScheduleTable{};
}

void report(const std::string &what) {
    const bool has_place = what.find(": error: ") != std::string::npos;
    fmt::print(stderr, "{}{}\n", has_place ? "" : "error: ", what);
}

int run(int argc, char **argv) {
    CLI::App app("Casts a neural network: its text becomes a static library and a header.", "castnet");
    app.set_version_flag("--version", fmt::format("castnet {}, Halide {}.{}.{}", CASTNET_VERSION, HALIDE_VERSION_MAJOR,
                                                  HALIDE_VERSION_MINOR, HALIDE_VERSION_PATCH));
    app.require_subcommand(1);
    Path file, output = ".";
    std::string target, schedules;
    bool as_json = false;
    CLI::App *compile_command = app.add_subcommand("compile", "Makes libNAME.a and NAME.h of NAME.castnet");
    CLI::App *describe_command = app.add_subcommand("describe", "Prints layers, shapes, parameters, multiply-adds, memory and pipelines");
    for (CLI::App *command : {compile_command, describe_command}) {
        command->add_option("network", file, "The network's text")->type_name("NAME.castnet")->required();
        command->add_option("--target", target, "What to compile for, in Halide's words; this machine otherwise")->type_name("TARGET");
        command->add_option("--schedules", schedules, "A table of tuned schedules, or none; that of this CPU otherwise")
            ->type_name("FILE|none");
    }
    compile_command->add_option("--output", output, "The folder that they go into")->type_name("DIR")->capture_default_str();
    describe_command->add_flag("--json", as_json, "For programs");
    try {
        app.parse(argc, argv);
        const Architecture architecture = read_network(file);
        const Halide::Target wanted = parse_target(target);
        const ScheduleTable table = find_schedules(schedules, wanted);
        if (compile_command->parsed()) {
            compile(architecture, {.output = output, .target = wanted, .schedules = table});
        } else {
            fmt::print("{}", as_json ? describe_as_json(architecture, table) : describe(architecture, table));
        }
        if (std::fflush(stdout) != 0) throw Error("standard output cannot be written; check where it goes");
        return 0;
    } catch (const CLI::Success &success) {  // --help, --version
        return app.exit(success);
    } catch (const Halide::Error &error) {  // is no std::exception
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

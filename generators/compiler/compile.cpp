#include "generators/compiler/compile.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <set>

#include "generators/compiler/header.h"
#include "generators/compiler/processes.h"
#include "train/files/error.h"
#include "train/files/file.h"
#include "train/machine/threads.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

/// One object file of the archive.
struct Object {
    std::string function;
    std::string generator;  ///< empty for Halide's runtime
    std::map<std::string, std::string> parameters;
    Schedule schedule;
    Halide::Target target;

    /// Returns everything that decides the object's bytes.
    [[nodiscard]] std::string recipe(const std::string &compiler) const {
        std::string text = fmt::format("{}\ntarget={}\n{} {}\n", compiler, target.to_string(), generator, function);
        for (const auto *values : {&parameters, &schedule}) {
            for (const auto &[name, value] : *values) text += fmt::format("{}={}\n", name, value);
        }
        return text;
    }
};

/// Returns the file's text; "" if there is no such file.
std::string text_of(const Path &file) {
    return std::filesystem::is_regular_file(file) ? read_text(file) : "";
}

/// Writes the file unless it holds that text already, so that what depends on it stays up to date.
void update_file(const Path &file, const std::string &text) {
    if (text_of(file) != text) write_file(file, text);
}

/// Identifies this program: Halide's version, and a checksum of its own code. Its output depends on both.
std::string compiler_identity() {
    const std::vector<std::byte> program = read_file("/proc/self/exe");
    const auto checksum = crc32_z(0, reinterpret_cast<const Bytef *>(program.data()), program.size());
    return fmt::format("Halide {}.{}.{}, castnet {:08x}", HALIDE_VERSION_MAJOR, HALIDE_VERSION_MINOR, HALIDE_VERSION_PATCH, checksum);
}

/// Keeps Halide's first warning, which otherwise goes to standard error in several lines.
class Warnings : public Halide::CompileTimeErrorReporter {
public:
    Warnings() { Halide::set_custom_compile_time_error_reporter(this); }
    Warnings(const Warnings &) = delete;
    Warnings &operator=(const Warnings &) = delete;
    ~Warnings() override { Halide::set_custom_compile_time_error_reporter(nullptr); }

    void warning(const char *what) override {
        if (first_.empty()) first_ = what;
    }
    [[noreturn]] void error(const char *what) override { throw Error(what); }

    [[nodiscard]] const std::string &first() const { return first_; }

private:
    std::string first_;
};

/// Loads an autoscheduler: a plugin beside Halide's library. Throws Error.
void load_autoscheduler(std::string name) {
    std::ranges::transform(name, name.begin(), [](unsigned char letter) { return std::tolower(letter); });
    Dl_info halide{};
    if (dladdr(reinterpret_cast<const void *>(&Halide::load_plugin), &halide) == 0) throw Error("Halide's library is not found");
    Halide::load_plugin((Path(halide.dli_fname).parent_path() / fmt::format("libautoschedule_{}.so", name)).string());
}

// Newlib's int32_t is a long, where Halide's sources mix it with int.
constexpr const char *int_of_32_bits = R"(#ifdef __INT32_TYPE__
#undef __INT32_TYPE__
#undef __UINT32_TYPE__
#define __INT32_TYPE__ int
#define __UINT32_TYPE__ unsigned int
#endif
)";

/// The form of what is made of each pipeline.
struct Form {
    Halide::OutputFileType type;
    const char *folder, *extension;  ///< what names end in
    const char *halides_extension;   ///< as Halide writes it
};

constexpr Form objects_form{Halide::OutputFileType::object, ".objects", ".o", ".o"},
    sources_form{Halide::OutputFileType::c_source, ".sources", ".cpp", ".halide_generated.cpp"};

/// The folder of a network's objects, or their sources, each beside the recipe that made it.
class ObjectFolder {
public:
    ObjectFolder(const std::string &network, const CompileOptions &options)
        : form_(options.emit == Emit::source ? sources_form : objects_form),
          folder_(options.output / (network + form_.folder)),
          runtime_source_(options.runtime_source),
          compiler_(compiler_identity()) {
        make_folder(folder_);
    }

    [[nodiscard]] Path file(const Object &object) const { return folder_ / (object.function + form_.extension); }

    [[nodiscard]] bool has(const Object &object) const {
        return std::filesystem::is_regular_file(file(object)) && text_of(recipe_file(object)) == recipe(object);
    }

    /// Compiles the object, with its own schedule or the default. Removes the old recipe first: from here on it is no longer true.
    void make(const Object &object, bool is_tuned) const {
        std::filesystem::remove(recipe_file(object));
        const Path partial = folder_ / (object.function + ".partial");
        make_folder(partial);
        const Path made = partial / (object.function + form_.halides_extension);
        if (!object.generator.empty()) {
            compile_pipeline(object, is_tuned, partial);
            if (makes_sources()) finish_source(object, made);
        } else if (makes_sources()) {
            write_file(made, read_text(runtime_source_));
        } else {
            Halide::compile_standalone_runtime(made.string(), object.target);
        }
        std::filesystem::rename(made, file(object));
        std::filesystem::remove(partial);
        write_file(recipe_file(object), recipe(object));
    }

    /// Makes an archive of the objects, unless it has exactly these already. Replaces the old archive as a whole.
    void archive(const std::vector<Object> &objects, const Path &archive) const {
        const Path contents = folder_ / "archive.recipe";
        std::string text;
        std::vector<std::string> files;
        for (const Object &object : objects) {
            text += recipe(object);
            files.push_back(file(object).string());
        }
        if (std::filesystem::exists(archive) && text_of(contents) == text) return;
        std::filesystem::remove(contents);
        const Unfinished unfinished(archive);
        Halide::create_static_library(files, objects.back().target, unfinished.path().string());
        std::filesystem::rename(unfinished.path(), archive);
        write_file(contents, text);
    }

    /// Removes objects of pipelines that no longer exist, and what a killed run has left.
    void keep_only(const std::vector<Object> &objects) const {
        std::set<Path> kept{folder_ / "archive.recipe"};
        for (const Object &object : objects) kept.insert({file(object), recipe_file(object)});
        for (const auto &entry : std::filesystem::directory_iterator(folder_)) {
            if (!kept.contains(entry.path())) std::filesystem::remove_all(entry.path());
        }
    }

private:
    [[nodiscard]] bool makes_sources() const { return form_.type == Halide::OutputFileType::c_source; }
    [[nodiscard]] Path recipe_file(const Object &object) const { return folder_ / (object.function + ".recipe"); }
    [[nodiscard]] std::string recipe(const Object &object) const { return object.recipe(compiler_); }

    /// Makes Halide's source fit any C++ compiler. Throws Error if it allocates memory, for copies that a stack has no room for.
    static void finish_source(const Object &object, const Path &source) {
        const std::string text = read_text(source);
        if (text.find(")halide_malloc(") != std::string::npos)
            throw Error(
                fmt::format("{} needs a heap, for copies above a megabyte; make the layer's grids or its kernel smaller", object.function));
        write_file(source, int_of_32_bits + text);
    }

    void compile_pipeline(const Object &object, bool is_tuned, const Path &into) const {
        Halide::Internal::ExecuteGeneratorArgs arguments;
        arguments.output_dir = into.string();
        arguments.output_types = {form_.type};
        Halide::Target target = object.target.with_feature(Halide::Target::NoRuntime).with_feature(Halide::Target::UserContext);
        // Asserts are most of a pipeline's code, and check what the runtime makes of fixed shapes.
        if (makes_sources()) target = target.with_feature(Halide::Target::NoAsserts).with_feature(Halide::Target::NoBoundsQuery);
        arguments.targets = {target};
        arguments.generator_name = object.generator;
        arguments.function_name = arguments.file_base_name = object.function;
        arguments.generator_params = object.parameters;
        const Schedule schedule = is_tuned ? object.schedule : Schedule{};
        for (const auto &[name, value] : schedule) {
            if (name == "target" || object.parameters.contains(name)) throw Error(fmt::format("{} is no choice of a schedule", name));
            if (name == "autoscheduler") load_autoscheduler(value);
            arguments.generator_params[name] = value;
        }
        const Warnings warnings;
        Halide::Internal::execute_generator(arguments);
        if (warnings.first().empty()) return;
        if (!schedule.empty()) throw Error(warnings.first());
        fmt::print(stderr, "warning: {}: {}\n", object.function, Error(warnings.first()).what());
    }

    Form form_;
    Path folder_, runtime_source_;
    std::string compiler_;
};

/// Returns a target that every CPU with one of the others has: Halide's runtime runs before the level is chosen.
Halide::Target runtime_target(Halide::Target target) {
    using Target = Halide::Target;
    for (const Target::Feature feature :
         {Target::SSE41, Target::AVX, Target::AVX2, Target::FMA, Target::FMA4, Target::F16C, Target::AVX512, Target::AVX512_KNL,
          Target::AVX512_Skylake, Target::AVX512_Cannonlake, Target::AVX512_SapphireRapids, Target::AVX512_Zen4, Target::AVX512_Zen5})
        target.set_feature(feature, false);
    return target;
}

/// Returns the objects of the pipelines for each target, then Halide's runtime.
std::vector<Object> objects_of(const Architecture &architecture, const std::vector<CompileOptions::Target> &targets) {
    std::vector<Object> objects;
    for (const CompileOptions::Target &level : targets) {
        for (const PipelineRecipe &pipeline : pipelines_of(architecture))
            objects.push_back({.function = pipeline.function + level.suffix,
                               .generator = pipeline.generator,
                               .parameters = pipeline.parameters,
                               .schedule = schedule_of(level.schedules, pipeline),
                               .target = level.target});
    }
    objects.push_back({.function = architecture.name + "_halide_runtime",
                       .generator = {},
                       .parameters = {},
                       .schedule = {},
                       .target = runtime_target(targets.back().target)});
    return objects;
}

/// Compiles the objects in parallel, with their schedules or without. Returns those whose schedules do not fit. Throws Error.
std::vector<Object> make_all(const ObjectFolder &folder, const std::vector<Object> &objects, bool is_tuned) {
    const auto outcomes = run_in_processes(objects.size(), static_cast<std::size_t>(default_threads()),
                                           [&](std::size_t i) { folder.make(objects[i], is_tuned); });
    std::vector<Object> misfits;
    for (std::size_t i = 0; i < objects.size(); i++) {
        if (outcomes[i].empty()) continue;
        if (!is_tuned || objects[i].schedule.empty()) throw Error(fmt::format("{}: {}", objects[i].function, outcomes[i]));
        fmt::print(stderr, "warning: {}: the tuned schedule does not fit, and the default is taken: {}\n", objects[i].function,
                   outcomes[i]);
        misfits.push_back(objects[i]);
    }
    return misfits;
}

/// Refuses a network that the target has no memory for, be it for one image alone.
void check_memory(const Architecture &architecture, const Halide::Target &target) {
    const std::vector<LayerDescription> layers = architecture.descriptions();
    const NetworkDescription network = architecture.description(layers);
    const std::uint64_t bytes = ArenaLayout(network, 1, 1, Purpose::inference).bytes();
    if (target.bits == 32 && bytes > std::numeric_limits<std::int32_t>::max())
        throw Error(
            fmt::format("{}: one image takes {} bytes, and a target of 32 bits has 2147483647; make its grids or its kernels smaller",
                        architecture.name, bytes));
}

}  // namespace

Schedule schedule_of(const ScheduleTable &table, const PipelineRecipe &pipeline) {
    const auto entry = table.find(pipeline.key);
    return entry == table.end() ? Schedule{} : entry->second.schedule;
}

void compile(const Architecture &architecture, const CompileOptions &options) {
    check_memory(architecture, options.targets.front().target);
    const ObjectFolder folder(architecture.name, options);
    const std::vector<Object> objects = objects_of(architecture, options.targets);
    folder.keep_only(objects);
    std::vector<Object> missing;
    std::ranges::copy_if(objects, std::back_inserter(missing), [&](const Object &object) { return !folder.has(object); });
    make_all(folder, make_all(folder, missing, true), false);
    if (options.emit == Emit::library) folder.archive(objects, options.output / fmt::format("lib{}.a", architecture.name));
    update_file(options.output / (architecture.name + ".h"), header_of(architecture, options.targets));
}

}  // namespace castnet

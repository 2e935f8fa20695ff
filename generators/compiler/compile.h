// Compiles a network to a library: an archive and a header.
#pragma once

#include <filesystem>
#include <vector>

#include "generators/compiler/level.h"
#include "generators/compiler/schedules.h"
#include "generators/language/architecture.h"
#include "generators/language/pipelines.h"

namespace castnet {

enum class Emit { library, source };

struct CompileOptions {
    std::filesystem::path output;  ///< the folder; made if it is missing
    Emit emit = Emit::library;
    std::filesystem::path runtime_source;  ///< for sources: what they need of Halide's runtime
    struct Target : Level {
        ScheduleTable schedules;
    };
    std::vector<Target> targets;  ///< from parse_levels()
};

/// Compiles the network to NAME.h and libNAME.a, which holds its pipelines for each target and Halide's runtime; NAME.objects/ keeps what a
/// later run need not compile again. Or compiles it to NAME.h and NAME.sources/, where each pipeline is a file of C++ that needs no heap
/// and no threads; a network that needs a heap is refused. Replaces a file as a whole, and only if it changes. Replaces a schedule that
/// does not fit the target by the default, with a warning on standard error. Throws Error.
void compile(const Architecture &architecture, const CompileOptions &options);

/// Returns the table's schedule for a pipeline; empty if it has none.
Schedule schedule_of(const ScheduleTable &table, const PipelineRecipe &pipeline);

}  // namespace castnet

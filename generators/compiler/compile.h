// From a network to its library: an archive and a header.
#pragma once

#include <Halide.h>

#include <filesystem>

#include "generators/compiler/schedules.h"
#include "generators/language/architecture.h"
#include "generators/language/pipelines.h"

namespace castnet {

struct CompileOptions {
    std::filesystem::path output;  ///< the folder; it is made where it is missing
    Halide::Target target;
    ScheduleTable schedules;
};

/// Compiles the network: NAME.h, and libNAME.a of its pipelines and of Halide's runtime; NAME.objects/ keeps what a later run need not
/// compile again. A file is replaced when it is whole, and left alone where it would not change. A schedule that does not fit the target
/// gives way to the default, with a warning on standard error. Throws Error.
void compile(const Architecture &architecture, const CompileOptions &options);

/// The schedule that the table has for a pipeline; empty where it has none.
Schedule schedule_of(const ScheduleTable &table, const PipelineRecipe &pipeline);

}  // namespace castnet

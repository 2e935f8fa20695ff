#include "generators/compiler/summary.h"

#include <Halide.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <vector>

#include "generators/compiler/describe.h"
#include "generators/language/pipelines.h"

namespace castnet {
namespace {

std::vector<TunedSchedule> tuned_schedules(const Architecture &architecture, const ScheduleTable &schedules) {
    std::vector<TunedSchedule> tuned;
    for (const PipelineRecipe &pipeline : pipelines_of(architecture)) {
        if (const auto line = schedules.find(pipeline.key); line != schedules.end()) tuned.push_back(line->second);
    }
    return tuned;
}

std::string counted(std::size_t count) {
    return fmt::format("{} tuned schedule{}", count, count == 1 ? "" : "s");
}

}  // namespace

std::string summary(const Architecture &architecture, const std::vector<CompileOptions::Target> &targets) {
    std::string text = fmt::format("{}: {}\n", architecture.name, memory_line(architecture));
    if (targets.size() > 1) {
        std::vector<std::string> levels(targets.size());
        std::ranges::transform(targets, levels.begin(), &Level::name);
        text += fmt::format("{}: for {}; a program takes the first of them that its CPU has\n", architecture.name, fmt::join(levels, ", "));
    }
    for (const CompileOptions::Target &target : targets) {
        const std::vector<TunedSchedule> tuned = tuned_schedules(architecture, target.schedules);
        if (tuned.empty()) continue;
        std::set<std::string> tables;
        for (const TunedSchedule &schedule : tuned) tables.insert(schedule.table.string());
        text += fmt::format("{}: {} from {}\n", architecture.name, counted(tuned.size()), fmt::join(tables, " and "));
    }
    return text;
}

std::string outdated_schedules(const Architecture &architecture, const ScheduleTable &schedules) {
    const std::string here = fmt::format("{}.{}.{}", HALIDE_VERSION_MAJOR, HALIDE_VERSION_MINOR, HALIDE_VERSION_PATCH);
    std::set<std::string> others;
    std::size_t count = 0;
    for (const TunedSchedule &schedule : tuned_schedules(architecture, schedules)) {
        if (schedule.halide == here) continue;
        others.insert(schedule.halide);
        count++;
    }
    if (count == 0) return "";
    return fmt::format("{}: {} of Halide {}, and this is {}; the autotuner may find better ones", architecture.name, counted(count),
                       fmt::join(others, ", "), here);
}

}  // namespace castnet

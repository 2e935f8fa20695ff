#include "train/code_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "runtime/error.h"

namespace castnet {

CLI::Option *add_code_option(CLI::App &app, std::vector<float> &code, const std::string &help) {
    return app.add_option("--at", code, help)->delimiter(',')->type_name("LIST");
}

void check_code(const NetworkDescription &description, std::span<const float> code) {
    if (code.size() != description.code().size())
        throw Error(fmt::format("--at: {} numbers given, a code of {} has {}; give them with commas between", code.size(), description.name,
                                description.code().size()));
    if (!std::ranges::all_of(code, [](float number) { return std::isfinite(number); }))
        throw Error("--at: holds what is not a finite number; give the numbers of a code with commas between");
}

}  // namespace castnet

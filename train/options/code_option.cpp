#include "train/options/code_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <limits>

#include "train/files/error.h"
#include "train/options/checked_option.h"

namespace castnet {

CLI::Option *add_code_option(CLI::App &app, std::vector<float> &code, const std::string &help) {
    const auto parse = [&code](const std::string &text) {
        using Limits = std::numeric_limits<float>;
        code.clear();
        for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
            end = text.find(',', begin);
            code.push_back(parse_number("--at", text.substr(begin, end - begin), Limits::lowest(), Limits::max()));
        }
    };
    return app.add_option_function<std::string>("--at", parse, help)->type_name("LIST");
}

void check_code(const NetworkDescription &description, std::span<const float> code) {
    if (code.size() != description.code.size())
        throw Error(fmt::format("--at: {} numbers given, a code of {} has {}; separate them by commas", code.size(), description.name,
                                description.code.size()));
}

}  // namespace castnet

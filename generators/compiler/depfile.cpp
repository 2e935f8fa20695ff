#include "generators/compiler/depfile.h"

namespace castnet {
namespace {

/// Returns a name as Make and Ninja read it. Backslashes are literal, except before a space.
std::string escape(const std::string &name) {
    std::string escaped;
    std::size_t backslashes = 0;
    for (const char letter : name) {
        if (letter == ' ') escaped.append(backslashes + 1, '\\');
        if (letter == '#' || letter == ':') escaped += '\\';
        if (letter == '$') escaped += '$';
        escaped += letter;
        backslashes = letter == '\\' ? backslashes + 1 : 0;
    }
    return escaped;
}

}  // namespace

std::string depfile_of(const std::vector<std::filesystem::path> &targets, const std::vector<std::filesystem::path> &prerequisites) {
    std::string text;
    for (const auto &target : targets) text.append(text.empty() ? "" : " ").append(escape(target.string()));
    text += ":";
    for (const auto &prerequisite : prerequisites) text.append(" \\\n  ").append(escape(prerequisite.string()));
    return text + "\n";
}

}  // namespace castnet

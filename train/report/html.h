// Pieces of an HTML page.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace castnet::html {

/// Escapes text for a page.
std::string escape(const std::string &text);

/// Returns a list of names and their values.
std::string facts(const std::string &css_class, const std::vector<std::pair<std::string, std::string>> &rows);

/// Returns a row of a table; `cell` is th or td.
std::string row(const std::string &cell, const std::vector<std::string> &texts);

/// Embeds an SVG file as a picture of its own: its ids and styles do not mix with those of others. Throws Error.
std::string picture(const std::filesystem::path &svg, const std::string &caption);

}  // namespace castnet::html

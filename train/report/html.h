// Pieces of an HTML page.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace castnet::html {

/// Text as a page shows it.
std::string escape(const std::string &text);

/// A list of names and what they stand for.
std::string facts(const std::string &css_class, const std::vector<std::pair<std::string, std::string>> &rows);

/// A row of a table, of cells `th` or `td`.
std::string row(const std::string &cell, const std::vector<std::string> &texts);

/// The SVG file within the page, as a picture of its own: its ids and styles stay apart from those of others. Throws Error.
std::string picture(const std::filesystem::path &svg, const std::string &caption);

}  // namespace castnet::html

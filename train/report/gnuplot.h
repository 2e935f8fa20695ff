// Files drawn by gnuplot.
#pragma once

#include <filesystem>
#include <string>

namespace castnet {

/// Returns whether gnuplot is installed.
bool can_draw();

/// The extents of a picture in pixels.
struct Canvas {
    double width = 0, height = 0;
};

/// Quotes text as an expression of a script. Bytes that are not UTF-8 become U+FFFD; control characters, which could end a command, become
/// spaces.
std::string quoted_text(const std::string &text);

/// Runs a script that draws the file: a PNG if its name ends in .png, otherwise an SVG, which follows its reader's dark mode. Throws Error.
void draw(const std::filesystem::path &file, const Canvas &canvas, const std::string &script);

}  // namespace castnet

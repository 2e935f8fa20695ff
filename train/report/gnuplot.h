// Files drawn by gnuplot.
#pragma once

#include <filesystem>
#include <string>

namespace castnet {

/// Whether gnuplot is there.
bool can_draw();

/// The extents of a picture in pixels.
struct Canvas {
    double width = 0, height = 0;
};

/// A text for a script, an expression. What is not UTF-8 is shown as U+FFFD, and control characters, which could end a command, as spaces.
std::string quoted_text(const std::string &text);

/// Runs a script that draws the file, a PNG where its name ends so and an SVG otherwise, which follows its reader's dark mode. Throws Error
/// where that fails.
void draw(const std::filesystem::path &file, const Canvas &canvas, const std::string &script);

}  // namespace castnet

#include "train/gnuplot.h"

#include <fmt/format.h>
#include <strings.h>

#include <cstdio>
#include <cstdlib>

#include "runtime/error.h"
#include "runtime/file.h"

namespace castnet {
namespace {

/// As gnuplot reads it: in single quotes nothing is special but these.
std::string quoted(const std::string &text) {
    std::string result = "'";
    for (const char character : text) result += character == '\'' ? "''" : std::string(1, character);
    return result + "'";
}

/// Whether gnuplot went through all of it.
bool run_gnuplot(const std::string &commands) {
    std::FILE *gnuplot = ::popen("gnuplot >/dev/null 2>&1", "w");
    if (gnuplot == nullptr) return false;
    const bool written = std::fwrite(commands.data(), 1, commands.size(), gnuplot) == commands.size();
    return ::pclose(gnuplot) == 0 && written;
}

}  // namespace

bool can_draw() {
    return std::system("command -v gnuplot >/dev/null 2>&1") == 0;
}

void draw(const std::filesystem::path &file, const Canvas &canvas, const std::string &script) {
    if (!can_draw()) throw Error(fmt::format("{}: cannot be drawn without gnuplot; install the package gnuplot-nox", file.string()));
    const Unfinished unfinished(std::filesystem::absolute(file));  // gnuplot gives names that begin with | or ~ a meaning
    const char *terminal = ::strcasecmp(file.extension().c_str(), ".png") == 0 ? "pngcairo" : "svg standalone";
    const bool drawn = run_gnuplot(fmt::format(
        "set terminal {} noenhanced size {:.0f},{:.0f} font 'sans-serif,14' background '#ffffff'\nset output {}\n{}set output\n", terminal,
        canvas.width, canvas.height, quoted(unfinished.path().string()), script));
    if (!drawn || !std::filesystem::exists(unfinished.path()))
        throw Error(fmt::format("{}: gnuplot could not draw it; check the folder, and that gnuplot works", file.string()));
    write_file(file, read_file(unfinished.path()));
}

}  // namespace castnet

#include "train/report/gnuplot.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

/// The style of an SVG: markers with visible lines, and a dark mode that keeps the colours of data and images.
constexpr std::string_view style = R"(<style>
[id^=gpPt] { stroke-width: .4 }
@media (prefers-color-scheme: dark) {
  #gnuplot_canvas > rect { fill: #161b22 } text { fill: #c9d1d9 } .gridline { stroke: #30363d }
}
</style>
)";

std::string with_style(std::string svg) {
    const std::size_t begin = svg.find("<svg"), end = svg.find('>', std::min(begin, svg.size()));
    if (end != std::string::npos) svg.insert(end + 1, style);
    return svg;
}

/// Returns whether gnuplot ran all commands.
bool run_gnuplot(const std::string &commands) {
    std::FILE *gnuplot = ::popen("gnuplot >/dev/null 2>&1", "w");
    if (gnuplot == nullptr) return false;
    const bool written = std::fwrite(commands.data(), 1, commands.size(), gnuplot) == commands.size();
    return ::pclose(gnuplot) == 0 && written;
}

}  // namespace

std::string quoted_text(const std::string &text) {
    using Json = nlohmann::json;
    std::string result = "'";
    for (const char character : Json::parse(Json(text).dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>()) {
        const bool is_control = static_cast<unsigned char>(character) < ' ' || character == '\x7f';
        result += character == '\'' ? "'.\"'\".'" : std::string(1, is_control ? ' ' : character);
    }
    return result + "'";
}

bool can_draw() {
    return std::system("command -v gnuplot >/dev/null 2>&1") == 0;
}

void draw(const std::filesystem::path &file, const Canvas &canvas, const std::string &script) {
    if (!can_draw()) throw Error(fmt::format("{}: cannot be drawn without gnuplot; install the package gnuplot-nox", file.string()));
    const Unfinished unfinished(std::filesystem::absolute(file));  // absolute: gnuplot interprets names that begin with | or ~
    const bool is_png = ::strcasecmp(file.extension().c_str(), ".png") == 0;
    const bool drawn = run_gnuplot(
        fmt::format("set encoding utf8\nset terminal {} noenhanced size {:.0f},{:.0f} font 'sans-serif,14' background '#ffffff'\n"
                    "set output {}\n{}set output\n",
                    is_png ? "pngcairo" : "svg standalone", canvas.width, canvas.height, quoted_text(unfinished.path().string()), script));
    if (!drawn || !std::filesystem::exists(unfinished.path()))
        throw Error(fmt::format("{}: gnuplot could not draw it; check the folder, and that gnuplot works", file.string()));
    const std::vector<std::byte> picture = read_file(unfinished.path());
    if (is_png) return write_file(file, picture);
    write_file(file, with_style({reinterpret_cast<const char *>(picture.data()), picture.size()}));
}

}  // namespace castnet

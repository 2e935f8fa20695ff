#include "train/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "runtime/error.h"
#include "runtime/file.h"

namespace castnet {
namespace {

// Colours that differ for the colour-blind too (Okabe & Ito 2008).
constexpr std::array<const char *, 8> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999900"};

int level(float value) {
    return static_cast<int>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255.0F));
}

/// "column row red green blue" of every pixel, a blank one between two images, as the data block $NAME.
std::string data_block(const std::string &name, const Mosaic &mosaic) {
    const auto [height, width, channels] = mosaic.shape;
    const auto count = static_cast<int>(mosaic.images.size() / mosaic.shape.size());
    const int rows = (count + mosaic.columns - 1) / mosaic.columns;
    std::string text = fmt::format("${} << EOD\n", name);
    for (int y = 0; y < rows * (height + 1) - 1; y++) {
        for (int x = 0; x < mosaic.columns * (width + 1) - 1; x++) {
            const int image = y / (height + 1) * mosaic.columns + x / (width + 1);
            const int row = y % (height + 1), column = x % (width + 1);
            std::array<int, 3> rgb{255, 255, 255};
            if (image < count && row < height && column < width) {
                const float *pixel = mosaic.images.data() + static_cast<std::size_t>(image) * mosaic.shape.size() +
                                     static_cast<std::size_t>((row * width + column) * channels);
                for (std::size_t c = 0; c < 3; c++) rgb[c] = level(pixel[channels == 3 ? c : 0]);
            }
            text += fmt::format("{} {} {} {} {}\n", x, y, rgb[0], rgb[1], rgb[2]);
        }
    }
    return text + "EOD\n";
}

/// Commands that plot the data block as square pixels without axes.
std::string plot_mosaic(const std::string &name, const std::string &title) {
    return fmt::format(
        "set title '{}'\nunset key\nunset border\nunset tics\nunset xlabel\nunset ylabel\nset size ratio -1\nset autoscale xfix\n"
        "set autoscale yfix\nset yrange [] reverse\nplot ${} using 1:2:3:4:5 with rgbimage\nset yrange [*:*] noreverse\n",
        title, name);
}

/// A round distance between tics, so that a range has about five.
double tic_distance(const std::vector<PrincipalPlane::Position> &positions) {
    const auto range = [&](double PrincipalPlane::Position::*coordinate) {
        const auto [low, high] = std::ranges::minmax_element(positions, {}, coordinate);
        return *low.*coordinate == *high.*coordinate ? 1.0 : *high.*coordinate - *low.*coordinate;
    };
    const double rough = std::max(range(&PrincipalPlane::Position::x), range(&PrincipalPlane::Position::y)) / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    return power * (rough <= 2 * power ? 2 : rough <= 5 * power ? 5 : 10);
}

/// Commands that plot the points, coloured by their labels; `more` is plotted over them.
std::string plot_points(const LatentPoints &points, const std::string &more = "") {
    std::map<int, std::string> by_label;
    for (std::size_t i = 0; i < points.positions.size(); i++) {
        by_label[points.labels.empty() ? 0 : points.labels[i]] += fmt::format("{} {}\n", points.positions[i].x, points.positions[i].y);
    }
    std::string blocks, plots;
    std::size_t colour = 0;
    for (const auto &[label, rows] : by_label) {
        blocks += fmt::format("$label{} << EOD\n{}EOD\n", colour, rows);
        const std::string title = points.labels.empty() ? "notitle" : fmt::format("title '{}'", label);
        plots += fmt::format("{}$label{} with points pt 7 ps 0.4 lc rgb '{}' {}", plots.empty() ? "" : ", ", colour,
                             colours[colour % colours.size()], title);
        colour++;
    }
    const double distance = tic_distance(points.positions);
    const char *axis = points.projected ? "principal component {}" : "z{}";
    return fmt::format(
        "{}set size ratio -1\nset border 3 lc rgb '#888888'\nset xtics nomirror {}\nset ytics nomirror {}\nset grid lc rgb '#e5e5e5'\n"
        "set bmargin 4\nset key outside right top\nset xlabel '{}'\nset ylabel '{}'\nplot {}{}\n",
        blocks, distance, distance, fmt::format(fmt::runtime(axis), points.projected ? 1 : 0),
        fmt::format(fmt::runtime(axis), points.projected ? 2 : 1), plots, more);
}

void draw(const std::filesystem::path &file, const std::string &size, const std::string &script) {
    if (!can_draw()) throw Error(fmt::format("{}: cannot be drawn without gnuplot; install the package gnuplot-nox", file.string()));
    const Unfinished unfinished(file);
    const std::string terminal = file.extension() == ".png" ? "pngcairo" : "svg standalone";
    const std::string commands =
        fmt::format("set terminal {} size {} font 'sans-serif,13' background '#ffffff'\nset output '{}'\n{}set output\n", terminal, size,
                    unfinished.path().string(), script);
    std::FILE *gnuplot = ::popen("gnuplot >/dev/null 2>&1", "w");
    const auto on_broken_pipe = std::signal(SIGPIPE, SIG_IGN);  // of a gnuplot that ends early
    const bool written = gnuplot != nullptr && std::fwrite(commands.data(), 1, commands.size(), gnuplot) == commands.size();
    const bool drawn = gnuplot != nullptr && ::pclose(gnuplot) == 0 && written && std::filesystem::exists(unfinished.path());
    std::signal(SIGPIPE, on_broken_pipe);
    if (!drawn) throw Error(fmt::format("{}: gnuplot could not draw it; check the folder, and that gnuplot works", file.string()));
    write_file(file, read_file(unfinished.path()));
}

}  // namespace

LatentPoints latent_points(const PrincipalPlane &plane, std::span<const float> codes, std::vector<int> labels) {
    LatentPoints points{.positions = {}, .labels = std::move(labels), .projected = plane.is_projection()};
    for (std::size_t begin = 0; begin < codes.size(); begin += plane.dimension())
        points.positions.push_back(plane.project(codes.subspan(begin, plane.dimension())));
    return points;
}

Mosaic above_reconstructions(const Shape &shape, std::span<const float> images, std::span<const float> outputs, std::size_t most) {
    const std::size_t columns = std::min(most, images.size() / shape.size());
    Mosaic mosaic{.shape = shape, .images = {}, .columns = static_cast<int>(columns)};
    for (const std::span<const float> row : {images, outputs}) {
        const auto shown = row.first(columns * shape.size());
        mosaic.images.insert(mosaic.images.end(), shown.begin(), shown.end());
    }
    return mosaic;
}

bool can_draw() {
    return std::system("command -v gnuplot >/dev/null 2>&1") == 0;
}

void draw_loss(const std::filesystem::path &file, const std::filesystem::path &history) {
    draw(file, "720,400",
         fmt::format(
             "set datafile separator ','\nset title 'Mean squared error by epoch'\nset xlabel 'epoch'\nset border 3 lc rgb '#888888'\n"
             "set xtics nomirror\nset ytics nomirror\nset grid lc rgb '#e5e5e5'\nset key top right\n"
             "plot '{0}' using 1:2 every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb '#0072b2' title 'training', "
             "'{0}' using 1:(strlen(strcol(3)) > 0 ? $3 : NaN) every ::1 with linespoints pt 7 ps 0.5 lw 2 lc rgb '#d55e00' title "
             "'validation'\n",
             history.string()));
}

void draw_mosaic(const std::filesystem::path &file, const Mosaic &images, const std::string &title) {
    const auto count = static_cast<int>(images.images.size() / images.shape.size());
    const int rows = (count + images.columns - 1) / images.columns;
    const double width = 900;
    const double height = width * (rows * images.shape.height) / (images.columns * images.shape.width);
    draw(file, fmt::format("{:.0f},{:.0f}", width, std::min(height, 900.0) + 80),
         data_block("images", images) + plot_mosaic("images", title));
}

void draw_latent(const std::filesystem::path &file, const LatentPoints &points) {
    draw(file, "640,560", "set title 'Test images in the latent space'\n" + plot_points(points));
}

void draw_generated(const std::filesystem::path &file, const LatentPoints &points, const PrincipalPlane::Position &chosen,
                    const Mosaic &image, const Mosaic &grid, const PrincipalPlane::Position &low, const PrincipalPlane::Position &high) {
    const std::string mark = fmt::format(", '-' with points pt 2 ps 2 lw 3 lc rgb '#000000' title 'decoded'\n{} {}\ne", chosen.x, chosen.y);
    std::string script = data_block("image", image) + data_block("grid", grid) + "set multiplot layout 1,3\n";
    script += "set title 'The latent space'\n" + plot_points(points, mark);
    script += plot_mosaic("image", fmt::format("Decoded from ({:.1f}, {:.1f})", chosen.x, chosen.y));
    script += plot_mosaic("grid", fmt::format("Decoded from ({:.1f}, {:.1f}) to ({:.1f}, {:.1f})", low.x, low.y, high.x, high.y));
    draw(file, "1200,420", script + "unset multiplot\n");
}

void draw_roc(const std::filesystem::path &file, const std::vector<Rates> &curve, double area) {
    std::string rows;
    for (const Rates &rates : curve) rows += fmt::format("{} {}\n", rates.false_alarms, rates.detected);
    draw(file, "520,520",
         fmt::format("$curve << EOD\n{}EOD\nset title 'ROC curve, area {:.4f}'\nset xlabel 'false alarms'\nset ylabel 'detected'\n"
                     "set xrange [0:1]\nset yrange [0:1]\nset size square\nset border 3 lc rgb '#888888'\nset xtics nomirror\n"
                     "set ytics nomirror\nset grid lc rgb '#e5e5e5'\nunset key\n"
                     "plot $curve with lines lw 2 lc rgb '#0072b2', x with lines dt 2 lc rgb '#999999'\n",
                     rows, area));
}

void draw_histogram(const std::filesystem::path &file, const std::vector<double> &normal, const std::vector<double> &anomalous,
                    double threshold) {
    constexpr int bins = 60;
    double largest = std::ranges::max(normal);
    for (const double score : anomalous) largest = std::max(largest, score);
    const auto block = [&](const char *name, const std::vector<double> &scores) {
        std::array<double, bins> part{};
        for (const double score : scores)
            part.at(static_cast<std::size_t>(std::min(bins - 1.0, score / largest * bins))) += 1.0 / static_cast<double>(scores.size());
        std::string rows = fmt::format("${} << EOD\n", name);
        for (int bin = 0; bin < bins; bin++)
            rows += fmt::format("{} {}\n", (bin + 0.5) * largest / bins, 100 * part.at(static_cast<std::size_t>(bin)));
        return rows + "EOD\n";
    };
    draw(file, "720,400",
         block("normal", normal) + block("anomalous", anomalous) +
             fmt::format("set title 'Reconstruction errors of the images'\nset xlabel 'mean squared error'\nset ylabel '% of images'\n"
                         "set border 3 lc rgb '#888888'\nset xtics nomirror\nset ytics nomirror\nset grid lc rgb '#e5e5e5'\n"
                         "set style fill transparent solid 0.5 noborder\nset xrange [0:{0}]\nset yrange [0:*]\n"
                         "set arrow from {1}, graph 0 to {1}, graph 1 nohead dt 2 lw 2 lc rgb '#000000'\n"
                         "set label 'threshold' at {1}, graph 0.97 offset 0.6,0\n"
                         "plot $normal with boxes lc rgb '#0072b2' {2}\n",
                         largest, threshold,
                         anomalous.empty() ? "notitle" : "title 'normal', $anomalous with boxes lc rgb '#d55e00' title 'others'"));
}

}  // namespace castnet

#include "train/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "runtime/dataset.h"

namespace castnet {
namespace {

// Colours that differ for the colour-blind too (Okabe & Ito 2008).
constexpr std::array<const char *, 8> colours{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999900"};
constexpr std::array<int, 4> markers{7, 5, 9, 13};  // gnuplot's filled ones, for labels beyond the colours

constexpr int sharp_pixels = 300;  // across a mosaic of few pixels, whose edges would be blurred otherwise

constexpr const char *axes =
    "set border 3 lc rgb '#999999'\nset xtics nomirror textcolor rgb '#555555'\nset ytics nomirror textcolor rgb '#555555'\n"
    "set grid lt 1 lc rgb '#e8e8e8'\n";

/// A part of a picture in pixels, from its upper left corner.
struct Box {
    double left = 0, top = 0, width = 0, height = 0;
};

/// Commands that put the next plot's axes around the box.
std::string place(const Box &box, const Canvas &canvas) {
    return fmt::format("set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen {}\n",
                       box.left / canvas.width, (box.left + box.width) / canvas.width, 1 - box.top / canvas.height,
                       1 - (box.top + box.height) / canvas.height);
}

int rows_of(const Mosaic &mosaic) {
    const auto count = static_cast<int>(mosaic.images.size() / mosaic.shape.size());
    return (count + mosaic.columns - 1) / mosaic.columns;
}

/// The box at that place in which an image of the mosaic is so many pixels wide.
Box box_of(const Mosaic &mosaic, double left, double top, double image_width) {
    return {.left = left,
            .top = top,
            .width = image_width * mosaic.columns,
            .height = image_width * mosaic.shape.height / mosaic.shape.width * rows_of(mosaic)};
}

int level(float value) {
    return static_cast<int>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255.0F));
}

/// "column row red green blue" of every pixel, a blank one between two images, as the data block $NAME; an image is 1 x 1. A pixel is
/// there zoom x zoom times.
std::string data_block(const std::string &name, const Mosaic &mosaic, int zoom) {
    const auto [height, width, channels] = mosaic.shape;
    const int columns = mosaic.columns, rows = rows_of(mosaic);
    const auto count = static_cast<int>(mosaic.images.size() / mosaic.shape.size());
    std::string text = fmt::format("${} << EOD\n", name);
    for (int y = 0; y < (rows * (height + 1) - 1) * zoom; y++) {
        for (int x = 0; x < (columns * (width + 1) - 1) * zoom; x++) {
            const int image_row = y / zoom / (height + 1), image_column = x / zoom / (width + 1);
            const int image = image_row * columns + image_column, row = y / zoom % (height + 1), column = x / zoom % (width + 1);
            std::array<int, 3> rgb{255, 255, 255};
            if (image < count && row < height && column < width) {
                const float *pixel = mosaic.images.data() + static_cast<std::size_t>(image) * mosaic.shape.size() +
                                     static_cast<std::size_t>((row * width + column) * channels);
                for (std::size_t c = 0; c < 3; c++) rgb[c] = level(pixel[channels == 3 ? c : 0]);
            }
            text += fmt::format("{:.6g} {:.6g} {} {} {}\n", (x + 0.5) / ((width + 1) * zoom), (y + 0.5) / ((height + 1) * zoom), rgb[0],
                                rgb[1], rgb[2]);
        }
    }
    return text + "EOD\n";
}

std::string tics(const char *axis, const std::vector<std::string> &names) {
    if (names.empty()) return fmt::format("unset {}\n", axis);
    std::string places;
    for (std::size_t i = 0; i < names.size(); i++) places += fmt::format("{}'{}' {}.5", i == 0 ? "" : ", ", names[i], i);
    return fmt::format("set {} scale 0 ({}) textcolor rgb '#555555'\n", axis, places);
}

/// Commands that fill the box with the mosaic, named `name` in the script.
std::string plot_mosaic(const std::string &name, const Mosaic &mosaic, const Box &box, const Canvas &canvas, const std::string &title,
                        const std::vector<std::string> &column_names = {}) {
    const auto [height, width, channels] = mosaic.shape;
    const int rows = rows_of(mosaic);
    const int zoom = std::max(1, sharp_pixels / (mosaic.columns * width));
    return data_block(name, mosaic, zoom) + place(box, canvas) + tics("xtics", column_names) + tics("ytics", mosaic.row_names) +
           fmt::format(
               "set title '{}'\nunset key\nunset border\nunset grid\nset xrange [0:{}]\nset yrange [{}:0]\n"
               "plot ${} using 1:2:3:4:5 with rgbimage\n",
               title, mosaic.columns - 1.0 / (width + 1), rows - 1.0 / (height + 1), name);
}

/// A round distance between tics, so that an extent has about five.
double tic_distance(double extent) {
    const double rough = extent / 5, power = std::pow(10, std::floor(std::log10(rough)));
    return power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10);
}

/// More plots: a black ring between two white ones.
std::string ring(const std::string &data) {
    const auto disc = [&](double size, const char *colour) {
        return fmt::format(", {} with points pt 7 ps {} lc rgb '{}' notitle", data, size, colour);
    };
    return disc(1.5, "#ffffff") + disc(1.2, "#000000") + disc(0.65, "#ffffff");
}

std::string axis_labels(const LatentPoints &points) {
    return points.projected ? "set xlabel 'principal component 1'\nset ylabel 'principal component 2' offset 1,0\n"
                            : "set xlabel 'z0'\nset ylabel 'z1' offset 1,0\n";
}

/// Commands that plot those points which lie in the view, coloured by their labels, with a legend at the right; `more` lies over them.
std::string plot_points(const LatentPoints &points, const Area &view, const Box &box, const Canvas &canvas, const std::string &more = "") {
    std::map<int, std::string> by_label;
    for (std::size_t i = 0; i < points.positions.size(); i++) {
        const Position &position = points.positions[i];
        if (view.contains(position))
            by_label[points.labels.empty() ? 0 : points.labels[i]] += fmt::format("{:.5g} {:.5g}\n", position.x, position.y);
    }
    std::string blocks, plots;
    std::size_t index = 0;
    for (const auto &[label, rows] : by_label) {
        blocks += fmt::format("$label{} << EOD\n{}EOD\n", index, rows);
        plots += fmt::format("{}$label{} with points pt {} ps 0.45 lc rgb '{}' {}", index == 0 ? "" : ", ", index,
                             markers[index / colours.size() % markers.size()], colours[index % colours.size()],
                             points.labels.empty() ? "notitle" : "title " + quoted_text(label_name(points.class_names, label)));
        index++;
    }
    const double distance = tic_distance(view.high.x - view.low.x);
    return blocks + place(box, canvas) + axes + axis_labels(points) +
           fmt::format(
               "set xtics {0}\nset ytics {0}\nset xrange [{1}:{2}]\nset yrange [{3}:{4}]\n"
               "set key at screen {5}, screen {6} left top Left reverse samplen 0.2 spacing 1.2 maxrows 20\nplot {7}{8}\n",
               distance, view.low.x, view.high.x, view.low.y, view.high.y, (box.left + box.width + 6) / canvas.width,
               1 - box.top / canvas.height, plots, more);
}

/// Pixels that the names of classes take in a legend beyond those of short ones.
double more_width(const std::vector<std::string> &class_names) {
    std::size_t longest = 8;
    for (const std::string &name : class_names) longest = std::max(longest, std::min<std::size_t>(name.size(), 40));
    return 8.5 * static_cast<double>(longest - 8);
}

/// "; 3 of 500 lie outside", or nothing.
std::string left_out(const LatentPoints &points, const Area &view) {
    const auto outside = std::ranges::count_if(points.positions, [&](const Position &position) { return !view.contains(position); });
    return outside == 0 ? "" : fmt::format("; {} of {} lie outside", outside, points.positions.size());
}

/// So many numbers from low to high; names that would crowd are empty.
std::vector<std::string> steps(double low, double high, int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; i++) {
        const double number = low + (high - low) * i / std::max(1, count - 1);
        names.push_back(i % 3 == 0 ? fmt::format("{:.{}g}", number, std::abs(number) < 1 ? 2 : 3) : "");
    }
    return names;
}

}  // namespace

Mosaic above_reconstructions(const Shape &shape, std::span<const float> images, std::span<const float> outputs, std::size_t most) {
    const std::size_t columns = std::min(most, images.size() / shape.size());
    Mosaic mosaic{.shape = shape, .images = {}, .columns = static_cast<int>(columns), .row_names = {"input", "output"}};
    for (const std::span<const float> row : {images, outputs}) {
        const auto shown = row.first(columns * shape.size());
        mosaic.images.insert(mosaic.images.end(), shown.begin(), shown.end());
    }
    return mosaic;
}

void draw_loss(const std::filesystem::path &file, const std::vector<Epoch> &epochs) {
    const bool validated = std::ranges::any_of(epochs, [](const Epoch &epoch) { return epoch.validation_loss.has_value(); });
    std::string rows;
    double lowest = epochs.front().loss, highest = lowest;
    for (const Epoch &epoch : epochs) {
        const double validation_loss = epoch.validation_loss.value_or(epoch.loss);
        rows += fmt::format("{} {} {}\n", epoch.number, epoch.loss, validation_loss);
        lowest = std::min({lowest, epoch.loss, validation_loss});
        highest = std::max({highest, epoch.loss, validation_loss});
    }
    const auto line = [&](int column, const char *colour, const char *title) {
        return fmt::format("$epochs using 1:{} with {} lw 2 lc rgb '{}' title '{}'", column,
                           epochs.size() <= 30 ? "linespoints pt 7 ps 0.5" : "lines", colour, title);
    };
    const double margin = epochs.size() == 1 ? 0.5 : 0;
    draw(file, {.width = 720, .height = 380},
         fmt::format("$epochs << EOD\n{}EOD\nset title 'Loss by epoch'\nset xlabel 'epoch'\n{}set xrange [{}:{}]\nset xtics {}\n{}"
                     "set key {}\nplot {}{}\n",
                     rows, axes, epochs.front().number - margin, epochs.back().number + margin,
                     std::max(1.0, tic_distance((epochs.back().number - epochs.front().number + 1) / 2.0)),
                     lowest > 0 && highest > 10 * lowest ? "set logscale y\n" : "", validated ? "top right" : "off",
                     line(2, colours[0], "loss"), validated ? ", " + line(3, colours[1], "val_loss") : ""));
}

void draw_mosaic(const std::filesystem::path &file, const Mosaic &mosaic, const std::string &title) {
    const double left = mosaic.row_names.empty() ? 20 : 70, top = 45, edge = 20;
    const double tallest = 700.0 / rows_of(mosaic) * mosaic.shape.width / mosaic.shape.height;
    Box box = box_of(mosaic, left, top, std::min({(720 - left - edge) / mosaic.columns, tallest, 200.0}));
    const Canvas canvas{.width = std::max(left + box.width + edge, 480.0), .height = top + box.height + edge};
    box.left += (canvas.width - left - box.width - edge) / 2;  // in the middle where the title is wider
    draw(file, canvas, plot_mosaic("images", mosaic, box, canvas, title));
}

void draw_latent(const std::filesystem::path &file, const LatentPoints &points) {
    const Canvas canvas{.width = 720 + more_width(points.class_names), .height = 640};
    const Area view = view_of(points.positions, std::nullopt);
    draw(file, canvas,
         fmt::format("set title 'Test images in the latent space{}'\n", left_out(points, view)) +
             plot_points(points, view, {.left = 95, .top = 45, .width = 530, .height = 530}, canvas));
}

void draw_decoded(const std::filesystem::path &file, const LatentPoints &points, const DecodedPlane &decoded) {
    const auto &[low, high] = decoded.area;
    const Position &chosen = decoded.chosen;
    Mosaic grid = decoded.grid;
    grid.row_names = steps(high.y, low.y, rows_of(grid));
    const double side = 270, left = 75, top = 45, grid_top = top + side + 115;
    const Box image_box = box_of(decoded.image, 435, top, std::min(side, side * grid.shape.width / grid.shape.height)),
              grid_box = box_of(grid, left, grid_top, (720 - left - 15) / grid.columns);
    const Canvas canvas{.width = 720, .height = grid_top + grid_box.height + 60};
    const std::string where = points.projected ? "the ring" : fmt::format("({:.4g}, {:.4g})", chosen.x, chosen.y);
    draw(file, canvas,
         fmt::format("$mark << EOD\n{0:.6g} {1:.6g}\nEOD\nset multiplot\nset title 'The latent space'\n"
                     "set object 1 rectangle from {2},{3} to {4},{5} fillstyle empty border lc rgb '#555555' dt 2 front\n",
                     chosen.x, chosen.y, low.x, low.y, high.x, high.y) +
             plot_points(points, view_of(points.positions, chosen), {.left = left, .top = top, .width = side, .height = side}, canvas,
                         ring("$mark")) +
             "unset object 1\nunset xlabel\nunset ylabel\n" +
             plot_mosaic("image", decoded.image, image_box, canvas, "Decoded from " + where) + axis_labels(points) +
             plot_mosaic("grid", grid, grid_box, canvas, "Decoded across the dashed rectangle", steps(low.x, high.x, grid.columns)) +
             "unset multiplot\n");
}

void draw_roc(const std::filesystem::path &file, const std::vector<Rates> &curve, double area) {
    std::string rows;
    for (const Rates &rates : curve) rows += fmt::format("{} {}\n", rates.false_alarms, rates.detected);
    draw(file, {.width = 520, .height = 520},
         fmt::format("$curve << EOD\n{}EOD\nset title 'ROC curve, area {:.4f}'\nset xlabel 'false alarms'\nset ylabel 'detected'\n"
                     "set xrange [0:1]\nset yrange [0:1]\nset size square\nunset key\n{}"
                     "plot $curve with lines lw 2 lc rgb '#0072b2', x with lines dt 2 lc rgb '#999999'\n",
                     rows, area, axes));
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
    draw(file, {.width = 720, .height = 400},
         block("normal", normal) + block("anomalous", anomalous) +
             fmt::format("set title 'Reconstruction errors of the images'\nset xlabel 'mean squared error'\nset ylabel '% of images'\n"
                         "{3}set style fill transparent solid 0.5 noborder\nset xrange [0:{0}]\nset yrange [0:*]\n"
                         "set arrow from {1}, graph 0 to {1}, graph 1 nohead dt 2 lw 2 lc rgb '#000000'\n"
                         "set label 'threshold' at {1}, graph 0.97 offset 0.6,0\n"
                         "plot $normal with boxes lc rgb '#0072b2' {2}\n",
                         largest, threshold,
                         anomalous.empty() ? "notitle" : "title 'normal', $anomalous with boxes lc rgb '#d55e00' title 'others'", axes));
}

}  // namespace castnet

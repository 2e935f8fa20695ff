#include "train/report/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "train/data/dataset.h"
#include "train/report/class_marks.h"

namespace castnet {
namespace {

constexpr int sharp_pixels = 300;  // width to which a mosaic of few pixels is magnified, so that edges stay sharp

// In pixels: about the extents of a character, and the room for a title above a plot and for its tics and label below.
constexpr double character_width = 8.6, line_height = 25, small_width = 7, small_height = 18, title_room = 52, label_room = 76;

constexpr const char *axes =
    "set border 3 lc rgb '#999999'\nset xtics nomirror textcolor rgb '#555555'\nset ytics nomirror textcolor rgb '#555555'\n"
    "set grid lt 1 lc rgb '#e8e8e8'\n";

std::string set_title(const std::string &title) {
    return fmt::format("set title {} offset 0,-0.5\n", quoted_text(title));
}

/// A part of a picture in pixels, from its upper left corner.
struct Box {
    double left = 0, top = 0, width = 0, height = 0;
};

/// Returns commands that put the next plot's axes around the box.
std::string place(const Box &box, const Canvas &canvas) {
    return fmt::format("set lmargin at screen {}\nset rmargin at screen {}\nset tmargin at screen {}\nset bmargin at screen {}\n",
                       box.left / canvas.width, (box.left + box.width) / canvas.width, 1 - box.top / canvas.height,
                       1 - (box.top + box.height) / canvas.height);
}

int rows_of(const Mosaic &mosaic) {
    const auto count = static_cast<int>(mosaic.images.size() / mosaic.shape.size());
    return (count + mosaic.columns - 1) / mosaic.columns;
}

/// Returns the box of the mosaic at that place, with images of that width in pixels.
Box box_of(const Mosaic &mosaic, double left, double top, double image_width) {
    return {.left = left,
            .top = top,
            .width = image_width * mosaic.columns,
            .height = image_width * mosaic.shape.height / mosaic.shape.width * rows_of(mosaic)};
}

int level(float value) {
    return static_cast<int>(std::lround(std::clamp(value, 0.0F, 1.0F) * 255.0F));
}

/// Returns the data block $NAME, a line "column row red green blue alpha" per pixel. An image measures 1 x 1; transparent pixels separate
/// two images. Each pixel is repeated zoom x zoom times.
std::string data_block(const std::string &name, const Mosaic &mosaic, int zoom) {
    const auto [height, width, channels] = mosaic.shape;
    const int columns = mosaic.columns, rows = rows_of(mosaic);
    const auto count = static_cast<int>(mosaic.images.size() / mosaic.shape.size());
    std::string text = fmt::format("${} << EOD\n", name);
    for (int y = 0; y < (rows * (height + 1) - 1) * zoom; y++) {
        for (int x = 0; x < (columns * (width + 1) - 1) * zoom; x++) {
            const int image_row = y / zoom / (height + 1), image_column = x / zoom / (width + 1);
            const int image = image_row * columns + image_column, row = y / zoom % (height + 1), column = x / zoom % (width + 1);
            const bool is_image = image < count && row < height && column < width;
            std::array<int, 3> rgb{255, 255, 255};
            if (is_image) {
                const float *pixel = mosaic.images.data() + static_cast<std::size_t>(image) * mosaic.shape.size() +
                                     static_cast<std::size_t>((row * width + column) * channels);
                for (std::size_t c = 0; c < 3; c++) rgb[c] = level(pixel[channels == 3 ? c : 0]);
            }
            text += fmt::format("{:.6g} {:.6g} {} {} {} {}\n", (x + 0.5) / ((width + 1) * zoom), (y + 0.5) / ((height + 1) * zoom), rgb[0],
                                rgb[1], rgb[2], is_image ? 255 : 0);
        }
    }
    return text + "EOD\n";
}

/// Quotes a text of one or more lines as a gnuplot expression.
std::string quoted_lines(const std::string &text) {
    const std::size_t end = text.find('\n');
    if (end == std::string::npos) return quoted_text(text);
    return quoted_text(text.substr(0, end)) + R"(."\n".)" + quoted_lines(text.substr(end + 1));
}

std::string tics(const char *axis, const std::vector<std::string> &names) {
    if (names.empty()) return fmt::format("unset {}\n", axis);
    std::string places;
    for (std::size_t i = 0; i < names.size(); i++) places += fmt::format("{}{} {}.5", i == 0 ? "" : ", ", quoted_lines(names[i]), i);
    return fmt::format("set {} scale 0 ({}) textcolor rgb '#555555' font ',12'\n", axis, places);
}

/// Returns commands that fill the box with the mosaic, named `name` in the script.
std::string plot_mosaic(const std::string &name, const Mosaic &mosaic, const Box &box, const Canvas &canvas, const std::string &title) {
    const auto [height, width, channels] = mosaic.shape;
    const int rows = rows_of(mosaic);
    const int zoom = std::max(1, sharp_pixels / (mosaic.columns * width));
    return data_block(name, mosaic, zoom) + place(box, canvas) + tics("xtics", mosaic.column_names) + tics("ytics", mosaic.row_names) +
           set_title(title) +
           fmt::format(
               "unset key\nunset border\nunset grid\nset xrange [0:{}]\nset yrange [{}:0]\n"
               "plot ${} using 1:2:3:4:5:6 with rgbalpha\n",
               mosaic.columns - 1.0 / (width + 1), rows - 1.0 / (height + 1), name);
}

/// Returns the height of the names below a mosaic's columns.
double height_of(const std::vector<std::string> &names) {
    std::ptrdiff_t lines = 0;
    for (const std::string &name : names) lines = std::max(lines, 1 + std::ranges::count(name, '\n'));
    return lines == 0 ? 0 : static_cast<double>(lines) * small_height + 10;
}

/// Shortens UTF-8 text to `most` characters, the last of them an ellipsis. Returns shorter text as it is.
std::string shortened(const std::string &text, std::size_t most) {
    std::size_t characters = 0, kept = 0;
    for (std::size_t i = 0; i < text.size(); i++) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0U) == 0x80U) continue;
        if (++characters == most) kept = i;
    }
    return characters <= most ? text : text.substr(0, kept) + "…";
}

/// Returns a round distance between tics, about a fifth of the extent.
double tic_distance(double extent) {
    const double rough = extent / 5, power = std::pow(10, std::floor(std::log10(rough)));
    return power * (rough < 1.5 * power ? 1 : rough < 3.5 * power ? 2 : rough < 7.5 * power ? 5 : 10);
}

/// Returns further plots: a black ring between two white ones.
std::string ring(const std::string &data) {
    const auto disc = [&](double size, const char *colour) {
        return fmt::format(", {} with points pt 7 ps {} lc rgb '{}' notitle", data, size, colour);
    };
    return disc(1.5, "#ffffff") + disc(1.2, "#000000") + disc(0.65, "#ffffff");
}

std::string axis_labels(const LatentPoints &points) {
    return points.projected ? "set xlabel 'principal component 1' offset 0,0.4\nset ylabel 'principal component 2' offset 1,0\n"
                            : "set xlabel 'z0' offset 0,0.4\nset ylabel 'z1' offset 1,0\n";
}

/// The legend beside a plot: the names of the points' classes, and the room they take.
struct Legend {
    explicit Legend(const LatentPoints &points, double height) : most_rows(static_cast<std::size_t>(height / line_height)) {
        constexpr std::size_t most_characters = 24;
        std::size_t longest = 0;
        for (const int label : points.labels) names.try_emplace(label, shortened(label_name(points.class_names, label), most_characters));
        for (const auto &[label, name] : names) longest = std::max(longest, name.size());
        const std::size_t columns = (names.size() + most_rows - 1) / most_rows;
        width = static_cast<double>(columns) * (4 * character_width + character_width * static_cast<double>(longest));
    }

    std::map<int, std::string> names;
    std::size_t most_rows;
    double width = 0;  // in pixels
};

/// Returns commands that plot the points within the view, marked by class, with a legend at the right; `more` is drawn over them.
std::string plot_points(const LatentPoints &points, const Area &view, const Box &box, const Canvas &canvas, const std::string &more = "") {
    std::map<int, std::string> by_label;  // of all points, so that a class looks the same in every view
    for (std::size_t i = 0; i < points.positions.size(); i++) {
        std::string &rows = by_label[points.labels.empty() ? 0 : points.labels[i]];
        const Position &position = points.positions[i];
        if (view.contains(position)) rows += fmt::format("{:.5g} {:.5g}\n", position.x, position.y);
    }
    Legend legend(points, box.height);
    std::string blocks, plots;
    std::size_t index = 0;
    for (const auto &[label, rows] : by_label) {
        const ClassMark mark = class_mark(index);
        blocks += fmt::format("$label{} << EOD\n{}EOD\n", index, rows.empty() ? "NaN NaN\n" : rows);
        plots += fmt::format("{}$label{} with points pt {} ps 0.55 lw 2 lc rgb '{}' {}", index == 0 ? "" : ", ", index, mark.marker,
                             mark.colour, points.labels.empty() ? "notitle" : "title " + quoted_text(legend.names[label]));
        index++;
    }
    const double distance = tic_distance(view.high.x - view.low.x);
    return blocks + place(box, canvas) + axes + axis_labels(points) +
           fmt::format(
               "set xtics {0}\nset ytics {0}\nset xrange [{1}:{2}]\nset yrange [{3}:{4}]\n"
               "set key at screen {5}, screen {6} left top Left reverse samplen 0.2 spacing 1.2 maxrows {7}\nplot {8}{9}\n",
               distance, view.low.x, view.high.x, view.low.y, view.high.y, (box.left + box.width + 6) / canvas.width,
               1 - box.top / canvas.height, legend.most_rows, plots, more);
}

/// Returns "; 3 of 500 lie outside", or "".
std::string left_out(const LatentPoints &points, const Area &view) {
    const auto outside = std::ranges::count_if(points.positions, [&](const Position &position) { return !view.contains(position); });
    return outside == 0 ? "" : fmt::format("; {} of {} lie outside", outside, points.positions.size());
}

/// Returns `count` numbers from low to high as names; those that would crowd are empty.
std::vector<std::string> steps(double low, double high, int count) {
    std::vector<std::string> names;
    for (int i = 0; i < count; i++) {
        const double number = low + (high - low) * i / std::max(1, count - 1);
        names.push_back(i % 3 == 0 ? fmt::format("{:.{}g}", number, std::abs(number) < 1 ? 2 : 3) : "");
    }
    return names;
}

/// Returns commands for an axis of losses with about five tics. The axis begins at zero if the losses hardly change.
std::string loss_axis(double lowest, double highest, std::size_t epochs) {
    const bool is_flat = epochs == 1 || highest - lowest < 0.05 * highest;
    if (!is_flat && lowest > 0 && highest > 10 * lowest) {
        std::string places;
        const auto power_of = [](double number) { return static_cast<int>(std::floor(std::log10(number))); };
        for (int power = power_of(lowest); power <= power_of(highest); power++) {
            for (const int factor : {1, 2, 5}) places += fmt::format("{}{}e{}", places.empty() ? "" : ", ", factor, power);
        }
        return fmt::format("set logscale y\nset yrange [{}:{}]\nset ytics ({})\n", lowest / 1.1, highest * 1.1, places);
    }
    const double low = is_flat ? 0 : lowest, margin = (highest - low) / 10, extent = highest - low + 2 * margin;
    if (extent == 0) return "set yrange [-1:1]\n";
    const double distance = tic_distance(extent);
    const auto decimals = static_cast<int>(std::max(0.0, -std::floor(std::log10(distance))));
    return fmt::format("set yrange [{}:{}]\nset ytics {}\nset format y '%{}'\n", is_flat ? 0 : low - margin, highest + margin, distance,
                       decimals > 6 ? "g" : fmt::format(".{}f", decimals));
}

/// Appends the image in the extents of `to`, each pixel the nearest one of `from`. Grey may become colour.
void append_shown(std::vector<float> &images, std::span<const float> image, const Shape &from, const Shape &to) {
    for (int y = 0; y < to.height; y++) {
        for (int x = 0; x < to.width; x++) {
            const int row = y * from.height / to.height, column = x * from.width / to.width;
            const auto pixel = image.subspan(static_cast<std::size_t>((row * from.width + column) * from.channels));
            for (std::size_t c = 0; c < static_cast<std::size_t>(to.channels); c++) images.push_back(pixel[from.channels == 3 ? c : 0]);
        }
    }
}

/// Formats the code below an image: in one line if it takes at most `most` characters, else its first numbers one below the other.
std::string code_name(std::span<const float> code, std::size_t most) {
    constexpr std::size_t most_lines = 4;
    std::string text = code_text(code, std::numeric_limits<std::size_t>::max());
    if (text.size() <= most) return text;
    std::string lines;
    for (std::size_t i = 0; i < std::min(code.size(), most_lines); i++) lines += fmt::format("{}{:.3g}", i == 0 ? "" : "\n", code[i]);
    return lines + (code.size() > most_lines ? "\n…" : "");
}

}  // namespace

Mosaic comparison(const Pairs &pairs, std::span<const std::uint32_t> indices, const Shape &output, std::span<const float> outputs) {
    const std::vector<float> inputs = pairs.inputs_at(indices), targets = pairs.targets_at(indices);
    const Shape input = pairs.images.shape, target = pairs.targets ? output : input;
    const bool coloured = input.channels == 3 || output.channels == 3;
    Mosaic mosaic{.shape = {std::max(input.height, output.height), std::max(input.width, output.width), coloured ? 3 : 1},
                  .images = {},
                  .columns = static_cast<int>(indices.size())};
    add_row(mosaic, "input", input, inputs);
    add_row(mosaic, "output", output, outputs.first(indices.size() * output.size()));
    if (target == output && !pairs.examples().reproduce()) add_row(mosaic, "target", target, targets);
    return mosaic;
}

void add_row(Mosaic &mosaic, const std::string &name, const Shape &shape, std::span<const float> images) {
    mosaic.row_names.push_back(name);
    for (; !images.empty(); images = images.subspan(shape.size()))
        append_shown(mosaic.images, images.first(shape.size()), shape, mosaic.shape);
}

std::string code_text(std::span<const float> code, std::size_t most) {
    std::string text = "(";
    for (std::size_t i = 0; i < code.size(); i++) {
        const std::string number = fmt::format("{}{:.3g}", i == 0 ? "" : ", ", code[i]);
        const std::size_t rest = i + 1 < code.size() ? 4 : 1;  // ", …)" after it, or ")"
        if (i > 0 && text.size() + number.size() + rest > most) return text + ", …)";
        text += number;
    }
    return text + ")";
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
                           epochs.size() == 1    ? "points pt 7 ps 1"
                           : epochs.size() <= 30 ? "linespoints pt 7 ps 0.5"
                                                 : "lines",
                           colour, title);
    };
    const double margin = epochs.size() == 1 ? 0.5 : 0;
    draw(file, {.width = 720, .height = 380},
         fmt::format("$epochs << EOD\n{}EOD\nset title 'Loss by epoch'\nset xlabel 'epoch' offset 0,0.4\n{}set xrange [{}:{}]\nset xtics "
                     "{}\n{}set key {}\nset rmargin 4\nplot {}{}\n",
                     rows, axes, epochs.front().number - margin, epochs.back().number + margin,
                     std::max(1.0, tic_distance((epochs.back().number - epochs.front().number + 1) / 2.0)),
                     loss_axis(lowest, highest, epochs.size()), validated ? "top right" : "off", line(2, class_colours[0], "loss"),
                     validated ? ", " + line(3, class_colours[1], "val_loss") : ""));
}

void draw_mosaic(const std::filesystem::path &file, const Mosaic &mosaic, const std::string &title) {
    const double left = mosaic.row_names.empty() ? 20 : 70, edge = 20;
    const double tallest = 700.0 / rows_of(mosaic) * mosaic.shape.width / mosaic.shape.height;
    Box box = box_of(mosaic, left, title_room, std::min({(720 - left - edge) / mosaic.columns, tallest, 200.0}));
    const Canvas canvas{.width = std::max(left + box.width + edge, 480.0),
                        .height = title_room + box.height + height_of(mosaic.column_names) + edge};
    box.left += (canvas.width - left - box.width - edge) / 2;  // centred if the title is wider
    draw(file, canvas, plot_mosaic("images", mosaic, box, canvas, title));
}

void draw_codes(const std::filesystem::path &file, const Mosaic &images, std::span<const float> codes) {
    const std::size_t size = images.shape.size(), count = images.images.size() / size, dimension = codes.size() / count;
    const auto columns = static_cast<std::size_t>(images.columns);
    const double edge = 20, width = std::min((720 - 2 * edge) / images.columns, 200.0);
    std::vector<Mosaic> rows;
    for (std::size_t first = 0; first < count; first += columns) {
        const std::size_t end = std::min(count, first + columns);
        Mosaic &row = rows.emplace_back(Mosaic{.shape = images.shape, .images = {}, .columns = images.columns});
        for (std::size_t i = first; i < end; i++) {
            const auto image = std::span(images.images).subspan(i * size, size);
            row.images.insert(row.images.end(), image.begin(), image.end());
            row.column_names.push_back(code_name(codes.subspan(i * dimension, dimension), static_cast<std::size_t>(width / small_width)));
        }
    }
    const double below = height_of(rows.front().column_names) + edge;
    Box box = box_of(rows.front(), edge, title_room, width);
    const Canvas canvas{.width = std::max(box.width + 2 * edge, 480.0),
                        .height = title_room + static_cast<double>(rows.size()) * (box.height + below)};
    box.left = (canvas.width - box.width) / 2;
    std::string script = "set multiplot\n";
    for (std::size_t i = 0; i < rows.size(); i++) {
        script += plot_mosaic(fmt::format("row{}", i), rows[i], box, canvas, i == 0 ? "Decoded images, and their codes" : "");
        box.top += box.height + below;
    }
    draw(file, canvas, script + "unset multiplot\n");
}

void draw_latent(const std::filesystem::path &file, const LatentPoints &points) {
    const Box box{.left = 95, .top = title_room, .width = 530, .height = 530};
    const double right = std::max(95.0, Legend(points, box.height).width + 10);
    const Canvas canvas{.width = box.left + box.width + right, .height = box.top + box.height + label_room};
    const Area view = view_of(points.positions, std::nullopt);
    draw(file, canvas, set_title("Test images in the latent space" + left_out(points, view)) + plot_points(points, view, box, canvas));
}

void draw_decoded(const std::filesystem::path &file, const LatentPoints &points, const DecodedPlane &decoded) {
    const auto &[low, high] = decoded.area;
    const Position &chosen = decoded.chosen;
    const double side = 270, left = 100, edge = 20, grid_top = title_room + side + 120;
    const Box plane{.left = left, .top = title_room, .width = side, .height = side};
    Mosaic grid = decoded.grid;
    grid.row_names = steps(high.y, low.y, rows_of(grid));
    grid.column_names = steps(low.x, high.x, grid.columns);
    const double image_left = left + side + std::max(80.0, Legend(points, side).width + 10);
    const Box image_box = box_of(decoded.image, image_left, title_room, std::min(side, side * grid.shape.width / grid.shape.height)),
              grid_box = box_of(grid, left, grid_top, 620.0 / grid.columns);
    const Canvas canvas{.width = image_left + side + edge, .height = grid_top + grid_box.height + label_room};
    const std::string title = "Decoded from ";
    const auto room = static_cast<std::size_t>(std::max(image_box.width, 200.0) / character_width) - title.size();
    draw(file, canvas,
         fmt::format("$mark << EOD\n{0:.6g} {1:.6g}\nEOD\nset multiplot\n{6}"
                     "set object 1 rectangle from {2},{3} to {4},{5} fillstyle empty border lc rgb '#808080' dt 2 front\n",
                     chosen.x, chosen.y, low.x, low.y, high.x, high.y, set_title("The latent space")) +
             plot_points(points, view_of(points.positions, chosen), plane, canvas, ring("$mark")) +
             "unset object 1\nunset xlabel\nunset ylabel\n" +
             plot_mosaic("image", decoded.image, image_box, canvas, title + code_text(decoded.code, room)) + axis_labels(points) +
             plot_mosaic("grid", grid, grid_box, canvas, "Decoded across the dashed rectangle") + "unset multiplot\n");
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
                    double threshold, const std::string &loss) {
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
             fmt::format("set title 'Reconstruction errors of the images'\nset xlabel '{4}'\nset ylabel '% of images'\n"
                         "{3}set style fill transparent solid 0.5 noborder\nset xrange [0:{0}]\nset yrange [0:*]\n"
                         "set arrow from {1}, graph 0 to {1}, graph 1 nohead dt 2 lw 2 lc rgb '#808080'\n"
                         "set label 'threshold' at {1}, graph 0.97 offset 0.6,0\n"
                         "plot $normal with boxes lc rgb '#0072b2' {2}\n",
                         largest, threshold,
                         anomalous.empty() ? "notitle" : "title 'normal', $anomalous with boxes lc rgb '#d55e00' title 'others'", axes,
                         loss));
}

}  // namespace castnet

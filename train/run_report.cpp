#include "train/run_report.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>

#include "runtime/file.h"
#include "train/figures.h"
#include "train/inference.h"
#include "train/principal_axes.h"
#include "train/summary.h"

namespace castnet {
namespace {

constexpr std::size_t scatter_images = 500, shown_images = 12;
constexpr int grid_side = 10;

using Position = PrincipalPlane::Position;

/// Images drawn at random, the same for every run on the same data.
std::vector<std::uint32_t> sample(const Dataset &dataset, std::size_t count) {
    Random random(0);
    std::vector<std::uint32_t> indices = all_indices(dataset.size());
    shuffle(indices, random);
    indices.resize(std::min(indices.size(), count));
    return indices;
}

/// Test images above their reconstructions.
Mosaic reconstructions(Network &network, const Dataset &test) {
    const std::vector<float> images = test.gather(sample(test, shown_images));
    return above_reconstructions(test.shape, images, reconstruct(network, images), shown_images);
}

/// The part of the plane that holds all but the outermost twentieth of the points on each side.
std::pair<Position, Position> middle_of(const std::vector<Position> &positions) {
    const auto range = [&](double Position::*coordinate) {
        std::vector<double> values;
        values.reserve(positions.size());
        for (const Position &position : positions) values.push_back(position.*coordinate);
        std::ranges::sort(values);
        return std::pair{values[values.size() / 20], values[values.size() - 1 - values.size() / 20]};
    };
    const auto [left, right] = range(&Position::x);
    const auto [bottom, top] = range(&Position::y);
    return {{left, bottom}, {right, top}};
}

void draw_plane(Network &network, const std::filesystem::path &file, const LatentPoints &points, const PrincipalPlane &plane) {
    const auto [low, high] = middle_of(points.positions);
    const auto decoded = [&](const std::vector<Position> &positions, int columns) {
        std::vector<float> codes;
        for (const Position &position : positions) {
            const std::vector<float> code = plane.at(position);
            codes.insert(codes.end(), code.begin(), code.end());
        }
        return Mosaic{.shape = network.description().output(), .images = decode(network, codes), .columns = columns};
    };
    const Position chosen = points.positions.front();
    std::vector<Position> grid;
    for (int row = grid_side - 1; row >= 0; row--) {  // the highest first, as in the plane
        for (int column = 0; column < grid_side; column++) {
            const auto along = [](double from, double to, int step) { return from + (to - from) * step / (grid_side - 1); };
            grid.push_back({along(low.x, high.x, column), along(low.y, high.y, row)});
        }
    }
    draw_generated(file, points, chosen, decoded({chosen}, 1), decoded(grid, grid_side), low, high);
}

std::string escape(const std::string &text) {
    std::string escaped;
    for (const char character : text) {
        switch (character) {
        case '&':
            escaped += "&amp;";
            break;
        case '<':
            escaped += "&lt;";
            break;
        case '>':
            escaped += "&gt;";
            break;
        default:
            escaped += character;
        }
    }
    return escaped;
}

std::string read_text(const std::filesystem::path &file) {
    std::ifstream stream(file);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

/// The picture itself, without the lines before its root element.
std::string inline_svg(const std::filesystem::path &file) {
    const std::string text = read_text(file);
    return text.substr(std::min(text.size(), text.find("<svg")));
}

/// A table from lines of values with commas between, the first line the head.
std::string table(const std::string &csv) {
    std::string html = "<table>\n";
    std::istringstream lines(csv);
    std::string line;
    for (const char *cell = "th"; std::getline(lines, line); cell = "td") {
        html += "<tr>";
        std::istringstream values(line);
        for (std::string value; std::getline(values, value, ',');) html += fmt::format("<{0}>{1}</{0}>", cell, escape(value));
        html += "</tr>\n";
    }
    return html + "</table>\n";
}

std::string cpu_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    }
    return "unknown";
}

constexpr const char *style = R"(
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; border-bottom: 1px solid #ddd; }
pre { overflow-x: auto; background: #f6f8fa; padding: .8rem; font-size: 13px; line-height: 1.35; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: .15rem .9rem; text-align: right; }
th { border-bottom: 1px solid #bbb; } svg { max-width: 100%; height: auto; }
)";

}  // namespace

void write_report(Network &network, const Dataset &test, const RunDirectory &directory, const std::map<std::string, std::string> &options,
                  int threads) {
    const NetworkDescription &description = network.description();
    const std::filesystem::path &folder = directory.folder();
    draw_loss(folder / "loss.svg", directory.history());
    draw_mosaic(folder / "reconstruction.svg", reconstructions(network, test), "Test images, and what the network makes of them");

    const std::vector<std::uint32_t> indices = sample(test, scatter_images);
    const std::vector<float> codes = encode(network, test.gather(indices));
    const PrincipalPlane plane(codes, description.code().size());
    std::vector<int> labels;
    if (!test.labels.empty()) std::ranges::transform(indices, std::back_inserter(labels), [&](auto index) { return test.labels[index]; });
    const LatentPoints points = latent_points(plane, codes, std::move(labels));
    draw_latent(folder / "latent.svg", points);
    draw_plane(network, folder / "generated.svg", points, plane);

    std::string html = fmt::format(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{0}</title>\n<style>{1}</style>\n"
        "<h1>A run of {0}</h1>\n<p>{2:%Y-%m-%d %H:%M}, {3} with {4} threads</p>\n<h2>Network</h2>\n<pre>{5}</pre>\n",
        description.name, style, fmt::localtime(std::time(nullptr)), escape(cpu_name()), threads, escape(summary(description)));
    html += "<h2>Options</h2>\n<pre>";
    for (const auto &[name, value] : options) html += fmt::format("{} {}\n", escape(name), escape(value));
    html += "</pre>\n";
    for (const auto &[title, file] : {std::pair{"Loss", "loss.svg"},
                                      {"Reconstruction", "reconstruction.svg"},
                                      {"Latent space", "latent.svg"},
                                      {"Generated images", "generated.svg"}}) {
        html += fmt::format("<h2>{}</h2>\n{}\n", title, inline_svg(folder / file));
    }
    html += "<h2>History</h2>\n" + table(read_text(directory.history())) + "</html>\n";
    write_file(folder / "report.html", html);
}

}  // namespace castnet

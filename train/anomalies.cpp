#include "train/anomalies.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "runtime/error.h"
#include "runtime/file.h"
#include "train/figures.h"
#include "train/inference.h"

namespace castnet {
namespace {

struct Scored {
    double score;
    bool anomalous;
};

/// The highest score first.
std::vector<Scored> ranked(std::span<const double> normal, std::span<const double> anomalous) {
    std::vector<Scored> all;
    for (const double score : normal) all.push_back({score, false});
    for (const double score : anomalous) all.push_back({score, true});
    std::ranges::sort(all, std::ranges::greater(), &Scored::score);
    return all;
}

std::vector<double> chosen(const std::vector<double> &scores, const std::vector<bool> &which, bool wanted) {
    std::vector<double> result;
    for (std::size_t i = 0; i < scores.size(); i++) {
        if (which[i] == wanted) result.push_back(scores[i]);
    }
    return result;
}

double mean(const std::vector<double> &values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double part_above(const std::vector<double> &scores, double threshold) {
    return static_cast<double>(std::ranges::count_if(scores, [&](double score) { return score > threshold; })) /
           static_cast<double>(scores.size());
}

/// The images with the highest scores above their reconstructions.
Mosaic most_surprising(Network &network, const Dataset &test, const std::vector<double> &scores, std::size_t count) {
    std::vector<std::uint32_t> order = all_indices(test.size());
    std::ranges::sort(order, std::ranges::greater(), [&](std::uint32_t index) { return scores[index]; });
    order.resize(std::min(order.size(), count));
    const std::vector<float> images = test.gather(order);
    return above_reconstructions(test.shape, images, reconstruct(network, images), count);
}

void write_scores(const std::filesystem::path &file, const Dataset &test, const std::vector<double> &scores,
                  const std::vector<bool> &anomalous, double threshold) {
    std::string text = "index,label,anomalous,score,alarm\n";
    for (std::size_t i = 0; i < scores.size(); i++) {
        text += fmt::format("{},{},{},{:.9g},{}\n", i, test.labels[i], anomalous[i] ? 1 : 0, scores[i], scores[i] > threshold ? 1 : 0);
    }
    write_file(file, text);
}

}  // namespace

std::vector<double> anomaly_scores(Network &network, const Dataset &dataset, std::span<const std::uint32_t> indices) {
    std::vector<double> scores;
    const std::size_t size = dataset.shape.size();
    constexpr std::size_t part = 1024;  // images, so that memory stays flat
    for (std::size_t begin = 0; begin < indices.size(); begin += part) {
        const std::vector<float> images = dataset.gather(indices.subspan(begin, std::min(part, indices.size() - begin)));
        const std::vector<float> outputs = reconstruct(network, images);
        for (std::size_t first = 0; first < images.size(); first += size)
            scores.push_back(mean_squared_error(std::span(outputs).subspan(first, size), std::span(images).subspan(first, size)));
    }
    return scores;
}

double anomaly_threshold(std::vector<double> normal, double false_alarm_rate) {
    std::ranges::sort(normal);
    const auto above = static_cast<std::size_t>(false_alarm_rate * static_cast<double>(normal.size()));
    return normal[normal.size() - 1 - std::min(above, normal.size() - 1)];
}

double area_under_roc(std::span<const double> normal, std::span<const double> anomalous) {
    double area = 0;
    Rates last;
    for (const Rates &rates : roc_curve(normal, anomalous)) {
        area += (rates.false_alarms - last.false_alarms) * (rates.detected + last.detected) / 2;
        last = rates;
    }
    return area;
}

std::vector<Rates> roc_curve(std::span<const double> normal, std::span<const double> anomalous) {
    std::vector<Rates> curve{{0, 0}};
    std::size_t alarms = 0, detected = 0;
    const std::vector<Scored> all = ranked(normal, anomalous);
    for (std::size_t i = 0; i < all.size(); i++) {
        (all[i].anomalous ? detected : alarms)++;
        if (i + 1 < all.size() && all[i + 1].score == all[i].score) continue;  // equal scores go over the threshold together
        curve.push_back({static_cast<double>(alarms) / static_cast<double>(normal.size()),
                         static_cast<double>(detected) / static_cast<double>(anomalous.size())});
    }
    return curve;
}

void detect_anomalies(Network &network, const Dataset &train, const Dataset &test, const std::vector<int> &normal,
                      const AnomalyOptions &options) {
    const double threshold = anomaly_threshold(anomaly_scores(network, train, all_indices(train.size())), options.false_alarm_rate);
    const std::vector<double> scores = anomaly_scores(network, test, all_indices(test.size()));
    std::vector<bool> anomalous;
    for (const int label : test.labels) anomalous.push_back(std::ranges::find(normal, label) == normal.end());
    const std::vector<double> usual = chosen(scores, anomalous, false), unusual = chosen(scores, anomalous, true);
    if (usual.empty() || unusual.empty())
        throw Error(fmt::format("--normal: {} test images are normal and {} are not; there have to be both", usual.size(), unusual.size()));

    fmt::print("{} normal test images and {} others; mean squared error of the normal ones {:.6f}\n", usual.size(), unusual.size(),
               mean(usual));
    fmt::print("threshold {:.6f}, for {:.1f}% false alarms on {} training images: {:.1f}% false alarms, {:.1f}% detected\n", threshold,
               100 * options.false_alarm_rate, train.size(), 100 * part_above(usual, threshold), 100 * part_above(unusual, threshold));
    const double area = area_under_roc(usual, unusual);
    fmt::print("area under the ROC curve: {:.4f}\n", area);
    if (options.out.empty()) return;
    std::error_code failure;
    std::filesystem::create_directories(options.out, failure);
    if (failure) throw Error(fmt::format("{}: cannot be made ({}); choose another --out", options.out.string(), failure.message()));
    write_scores(options.out / "scores.csv", test, scores, anomalous, threshold);
    if (!can_draw()) {
        fmt::print(stderr, "warning: there are no figures without gnuplot; install the package gnuplot-nox\n");
        return;
    }
    draw_roc(options.out / "roc.svg", roc_curve(usual, unusual), area);
    draw_histogram(options.out / "histogram.svg", usual, unusual, threshold);
    draw_mosaic(options.out / "surprising.svg", most_surprising(network, test, scores, 10),
                "The most surprising test images, and what the network makes of them");
    fmt::print("wrote {}: scores.csv, roc.svg, histogram.svg, surprising.svg\n", options.out.string());
}

}  // namespace castnet

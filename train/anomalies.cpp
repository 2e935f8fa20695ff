#include "train/anomalies.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "train/files/csv.h"
#include "train/files/error.h"
#include "train/files/file.h"
#include "train/inference.h"
#include "train/program.h"
#include "train/report/figures.h"

namespace castnet {
namespace {

struct Scored {
    double score;
    bool anomalous;
};

/// Sorts all scores, the highest first.
std::vector<Scored> ranked(std::span<const double> normal, std::span<const double> anomalous) {
    std::vector<Scored> all;
    for (const double score : normal) all.push_back({score, false});
    for (const double score : anomalous) all.push_back({score, true});
    std::ranges::sort(all, std::ranges::greater(), &Scored::score);
    return all;
}

/// Returns for each image whether its label is not a normal one; nothing if there are no labels or no normal ones.
std::vector<bool> known_anomalies(const std::vector<int> &labels, const std::vector<int> &normal) {
    std::vector<bool> anomalous;
    if (normal.empty()) return anomalous;
    for (const int label : labels) anomalous.push_back(std::ranges::find(normal, label) == normal.end());
    return anomalous;
}

std::vector<double> chosen(const std::vector<double> &scores, const std::vector<bool> &anomalous, bool wanted) {
    std::vector<double> result;
    for (std::size_t i = 0; i < scores.size(); i++) {
        if ((!anomalous.empty() && anomalous[i]) == wanted) result.push_back(scores[i]);
    }
    return result;
}

double mean(const std::vector<double> &values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::ptrdiff_t count_above(const std::vector<double> &scores, double threshold) {
    return std::ranges::count_if(scores, [&](double score) { return score > threshold; });
}

double percent_above(const std::vector<double> &scores, double threshold) {
    return 100 * static_cast<double>(count_above(scores, threshold)) / static_cast<double>(scores.size());
}

/// Returns the `count` images with the highest scores, each above its reconstruction and the errors of its pixels, and named by its index,
/// label and score. An error of `white` is white.
Mosaic most_surprising(Autoencoder &model, const Pairs &test, const std::vector<double> &scores, std::size_t count, float white) {
    std::vector<std::uint32_t> order = all_indices(test.size());
    std::ranges::sort(order, std::ranges::greater(), [&](std::uint32_t index) { return scores[index]; });
    order.resize(std::min(order.size(), count));
    Mosaic mosaic = comparison(test, order, model.description().output, reconstruct(model, test.inputs_at(order)));
    std::vector<float> errors = pixel_errors(model, test, order);
    if (white > 0) std::ranges::for_each(errors, [&](float &error) { error /= white; });
    add_row(mosaic, "error", {model.description().output.height, model.description().output.width, 1}, errors);
    const Dataset &images = test.images;
    for (const std::uint32_t index : order)
        mosaic.column_names.push_back(fmt::format(
            "#{}\n{}{:#.3g}", index, images.labels.empty() ? "" : fmt::format("{}\n", label_name(images.class_names, images.labels[index])),
            scores[index]));
    return mosaic;
}

/// The results for the judged images.
struct Judgement {
    double threshold = 0;
    std::vector<double> scores;
    std::vector<bool> anomalous;  // one per image; empty if unknown
    std::vector<double> usual = chosen(scores, anomalous, false), unusual = chosen(scores, anomalous, true);

    [[nodiscard]] bool compares() const { return !anomalous.empty(); }
};

void print(const Judgement &judgement, const std::string &loss, const std::string &fitted) {
    const auto &[threshold, scores, anomalous, usual, unusual] = judgement;
    if (judgement.compares()) {
        fmt::print("{} normal test images and {} others; {} of the normal ones {:.6g}\n", usual.size(), unusual.size(), loss, mean(usual));
        fmt::print("{}: {:.4g}% false alarms, {:.4g}% detected\n", fitted, percent_above(usual, threshold),
                   percent_above(unusual, threshold));
        fmt::print("area under the ROC curve: {:.4f}\n", area_under_roc(usual, unusual));
    } else {
        fmt::print("{} images; {} {:.6g}\n", scores.size(), loss, mean(scores));
        fmt::print("{}: {} images are above it, {:.4g}%\n", fitted, count_above(scores, threshold), percent_above(scores, threshold));
    }
}

void write_scores(const std::filesystem::path &file, const Dataset &judged, const Judgement &judgement) {
    std::string text = "index,label,anomalous,score,alarm,threshold\n";
    for (std::size_t i = 0; i < judgement.scores.size(); i++) {
        text += fmt::format("{},{},{},{},{},{}\n", i, csv_label(judged, i),
                            judgement.compares() ? std::to_string(static_cast<int>(judgement.anomalous[i])) : "", judgement.scores[i],
                            static_cast<int>(judgement.scores[i] > judgement.threshold), judgement.threshold);
    }
    write_file(file, text);
}

void draw(const std::filesystem::path &folder, Autoencoder &model, const Pairs &judged, const Judgement &judgement) {
    const auto &[threshold, scores, anomalous, usual, unusual] = judgement;
    const std::filesystem::path roc = folder / "roc.svg", histogram = folder / "histogram.svg", surprising = folder / "surprising.svg";
    if (judgement.compares()) {
        draw_roc(roc, roc_curve(usual, unusual), area_under_roc(usual, unusual));
        print_written(roc);
    }
    draw_histogram(histogram, usual, unusual, threshold, loss_name(model.description()));
    print_written(histogram);
    const float white = largest_pixel_error(model, judged);
    draw_mosaic(surprising, most_surprising(model, judged, scores, 10, white),
                fmt::format("The most surprising images: index,{} score; an error of {:.2g} is white",
                            judged.images.labels.empty() ? "" : " label,", white));
    print_written(surprising);
}

}  // namespace

double anomaly_threshold(std::vector<double> normal, double false_alarm_rate) {
    std::ranges::sort(normal);
    const std::size_t above = part_of(normal.size(), false_alarm_rate);
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
        if (i + 1 < all.size() && all[i + 1].score == all[i].score) continue;  // equal scores cross the threshold together
        curve.push_back({static_cast<double>(alarms) / static_cast<double>(normal.size()),
                         static_cast<double>(detected) / static_cast<double>(anomalous.size())});
    }
    return curve;
}

void detect_anomalies(Autoencoder &model, const Pairs &train, const Pairs &judged, const std::vector<int> &normal,
                      const AnomalyOptions &options) {
    const Judgement judgement{.threshold = anomaly_threshold(losses(model, train, all_indices(train.size())), options.false_alarm_rate),
                              .scores = losses(model, judged, all_indices(judged.size())),
                              .anomalous = known_anomalies(judged.images.labels, normal)};
    if (judgement.compares() && (judgement.usual.empty() || judgement.unusual.empty()))
        throw Error(fmt::format("--normal: {} test images are normal and {} are not; choose labels so that there are both",
                                judgement.usual.size(), judgement.unusual.size()));
    print(judgement, loss_name(model.description()),
          fmt::format("threshold {:.6g}, for {:.4g}% false alarms on {} training images", judgement.threshold,
                      100 * options.false_alarm_rate, train.size()));
    if (options.out.empty()) return;
    make_folder(options.out);
    const std::filesystem::path scores = options.out / "scores.csv";
    write_scores(scores, judged.images, judgement);
    print_written(scores);
    if (!can_draw()) {
        warn("there are no figures without gnuplot; install the package gnuplot-nox");
        return;
    }
    draw(options.out, model, judged, judgement);
}

}  // namespace castnet

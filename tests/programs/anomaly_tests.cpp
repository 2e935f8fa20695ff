// Tests anomaly detection and the latent plane.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <random>
#include <sstream>

#include "runtime/random.h"
#include "tests/programs/program.h"
#include "tests/temporary.h"
#include "train/anomalies.h"
#include "train/data/npy.h"
#include "train/report/principal_axes.h"

namespace castnet::test {
namespace {

/// Returns the area by its definition: the share of pairs with the anomalous score higher, plus half of those with equal scores.
double area_by_pairs(const std::vector<double> &normal, const std::vector<double> &anomalous) {
    double wins = 0;
    for (const double a : anomalous)
        for (const double n : normal) wins += a > n ? 1 : a == n ? 0.5 : 0;
    return wins / double(normal.size() * anomalous.size());
}

TEST_CASE("anomalies: the area under the ROC curve is the part of the pairs in the right order") {
    CHECK(area_under_roc(std::vector{1.0, 2.0}, std::vector{3.0, 4.0}) == 1);
    CHECK(area_under_roc(std::vector{3.0}, std::vector{1.0}) == 0);
    CHECK(area_under_roc(std::vector{2.0, 2.0}, std::vector{2.0}) == 0.5);
    std::mt19937 random(1);
    for (int round = 0; round < 20; round++) {
        std::vector<double> normal, anomalous;
        for (int i = 0; i < 40; i++) normal.push_back(double(random() % 30));  // with many ties
        for (int i = 0; i < 25; i++) anomalous.push_back(double(random() % 30) + 5);
        CHECK(area_under_roc(normal, anomalous) == doctest::Approx(area_by_pairs(normal, anomalous)));
        const std::vector<Rates> curve = roc_curve(normal, anomalous);
        CHECK(curve.back().false_alarms == 1);
        CHECK(curve.back().detected == 1);
    }
}

TEST_CASE("anomalies: the allowed part of the normal scores, rounded to a count, is above the threshold") {
    const auto above = [](std::size_t count, double rate) {
        std::vector<double> normal(count);
        std::iota(normal.begin(), normal.end(), 0.0);
        return std::ranges::count_if(normal, [threshold = anomaly_threshold(normal, rate)](double score) { return score > threshold; });
    };
    for (int percent = 0; percent < 100; percent++) CHECK(above(100, percent / 100.0) == percent);
    CHECK(above(200, 0.001) == 0);
    CHECK(above(200, 0.004) == 1);
    CHECK(above(200, 1) == 199);
}

TEST_CASE("principal plane: of points in a plane of any position, it is that plane") {
    std::mt19937 random(2);
    std::normal_distribution<float> normal;
    std::vector<float> points;
    for (int i = 0; i < 300; i++) {
        const float a = 3 * normal(random), b = normal(random);
        points.insert(points.end(), {1 + 0.6F * a, -2 + 0.8F * a, 5 + b, 7});
    }
    const PrincipalPlane plane(points, 4);
    CHECK(plane.is_projection());
    double across = 0, along = 0;
    for (std::size_t i = 0; i < points.size(); i += 4) {
        const auto position = plane.project(std::span(points).subspan(i, 4));
        const std::vector<float> back = plane.at(position);
        for (std::size_t d = 0; d < 4; d++) CHECK(back[d] == doctest::Approx(points[i + d]).epsilon(1e-4));
        along += position.x * position.x;
        across += position.y * position.y;
    }
    CHECK(along > 4 * across);
    const PrincipalPlane itself(std::vector<float>{1, 2, 3, 5}, 2);
    CHECK_FALSE(itself.is_projection());
    CHECK(itself.project(std::vector<float>{4, -1}).y == -1);
}

TEST_CASE("explore anomalies: the printed area is that of the scores in the CSV file") {
    TemporaryFolder folder;
    const std::string data = (folder.path() / "data").string(), out = (folder.path() / "out").string();
    write_dataset(data, 65, {12, 10});
    const std::string options = " --data " + data;
    REQUIRE(run("train-test_gap --quiet --no-figures --epochs 2 --classes 1 --run-dir " + out + options).status == 0);
    const std::string explore = "explore-test_gap anomalies --model " + out + "/model.safetensors" + options;
    const Run result = run(explore + " --normal 1 --out " + out);
    CAPTURE(result.output);
    REQUIRE(result.status == 0);
    std::istringstream lines(read_plain(out + "/scores.csv"));
    std::string line;
    std::getline(lines, line);
    CHECK(line == "index,label,anomalous,score,alarm,threshold");
    std::vector<double> normal, anomalous;
    double highest = 0;
    std::string of_highest;  // the texts below its picture
    while (std::getline(lines, line)) {
        std::ranges::replace(line, ',', ' ');
        std::istringstream values(line);
        int index = 0, label = 0, is_anomalous = 0;
        double score = 0, threshold = 0;
        int alarm = 0;
        values >> index >> label >> is_anomalous >> score >> alarm >> threshold;
        CHECK(alarm == (score > threshold ? 1 : 0));
        CHECK(result.output.find(fmt::format("threshold {:.6g},", threshold)) != std::string::npos);
        CHECK(is_anomalous == (label == 1 ? 0 : 1));
        (is_anomalous == 1 ? anomalous : normal).push_back(score);
        if (score > highest) of_highest = fmt::format("<text>#{}</text> <text>{}</text> <text>{:#.3g}</text>", index, label, score);
        highest = std::max(highest, score);
    }
    CHECK(normal.size() + anomalous.size() == 65);
    const std::string printed = result.output.substr(result.output.find("ROC curve: ") + 11);
    CHECK(std::stod(printed) == doctest::Approx(area_by_pairs(normal, anomalous)).epsilon(1e-3));
    if (std::system("command -v gnuplot >/dev/null") == 0) {
        const std::string picture = read_plain(out + "/surprising.svg");
        std::istringstream texts(of_highest);
        for (std::string text; texts >> text;) {
            CAPTURE(text);
            CHECK(picture.find(text) != std::string::npos);
        }
    }

    // The errors' scale is the largest of all images' pixels, also where the most surprising image is another's.
    const std::vector<float> images = [] {
        Random random(3);
        std::vector<float> values(2400);  // 20 images of 12x10
        for (float &value : values) value = random.uniform();
        values[7] = 9;
        return values;
    }();
    write_npy(folder.path() / "x.npy", {20, 12, 10, 1}, images);
    const std::string x = (folder.path() / "x.npy").string(), y = (folder.path() / "y.npy").string(), maps = out + "/maps";
    REQUIRE(run(explore + " --images " + x + " --out " + maps).status == 0);
    REQUIRE(run("explore-test_gap reconstruct --model " + out + "/model.safetensors --images " + x + " --out " + y).status == 0);
    const Values<float> outputs = read_npy(y).values;
    float largest = 0;
    for (std::size_t i = 0; i < images.size(); i++) largest = std::max(largest, std::abs(outputs[i] - images[i]));
    if (std::system("command -v gnuplot >/dev/null") == 0) {
        const std::string picture = read_plain(maps + "/surprising.svg");
        CHECK(picture.find(fmt::format("an error of {:.2g} is white", largest)) != std::string::npos);
        CHECK(picture.find(">error<") != std::string::npos);
    }

    check_error(explore + " --normal 1,5,6", "choose labels so that there are both");
    const Run nothing = run(explore + " --normal 7");
    CHECK(nothing.output.find("has no train image of the classes 7") != std::string::npos);
    CHECK(nothing.output.find("--classes") == std::string::npos);  // explore has no such option
    check_error(explore + " --normal x", "'x' is not a label");
    check_error(explore + " --normal 1 --false-alarms 2", "--false-alarms");
}

}  // namespace
}  // namespace castnet::test

// Tests whether a plot's colours can be told apart, and its texts.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "tests/temporary.h"
#include "train/files/file.h"
#include "train/report/class_marks.h"
#include "train/report/figures.h"

namespace castnet::test {
namespace {

using Vector = std::array<double, 3>;
using Matrix = std::array<Vector, 3>;

Vector operator*(const Matrix &matrix, const Vector &vector) {
    Vector result{};
    for (std::size_t row = 0; row < 3; row++)
        for (std::size_t column = 0; column < 3; column++) result[row] += matrix[row][column] * vector[column];
    return result;
}

/// Returns the linear red, green and blue of "#rrggbb".
Vector light(const std::string &colour) {
    Vector result{};
    for (std::size_t c = 0; c < 3; c++) {
        const double value = std::stoi(colour.substr(1 + 2 * c, 2), nullptr, 16) / 255.0;
        result[c] = value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
    }
    return result;
}

/// Converts to OKLab (Ottosson 2020), where equal distances look equally different. 0.02 is just noticeable.
Vector perceived(const Vector &light) {
    constexpr Matrix cones{{{0.4122214708, 0.5363325363, 0.0514459929},
                            {0.2119034982, 0.6806995451, 0.1073969566},
                            {0.0883024619, 0.2817188376, 0.6299787005}}};
    constexpr Matrix lab{{{0.2104542553, 0.7936177850, -0.0040720468},
                          {1.9779984951, -2.4285922050, 0.4505937099},
                          {0.0259040371, 0.7827717662, -0.8086757660}}};
    Vector response = cones * light;
    for (double &value : response) value = std::cbrt(value);
    return lab * response;
}

/// Colour vision with all cones, and without the red, green or blue ones (Machado, Oliveira & Fernandes 2009).
const std::vector<Matrix> eyes{{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
                               {{{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}}},
                               {{{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}}},
                               {{{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}}}};

double distance(const Matrix &eye, const std::string &a, const std::string &b) {
    Vector seen_a = eye * light(a), seen_b = eye * light(b);
    for (Vector *seen : {&seen_a, &seen_b})
        for (double &value : *seen) value = std::clamp(value, 0.0, 1.0);
    const Vector x = perceived(seen_a), y = perceived(seen_b);
    return std::hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
}

/// Returns WCAG's contrast, from 1 to 21.
double contrast(const std::string &a, const std::string &b) {
    const auto luminance = [](const std::string &colour) {
        const auto [red, green, blue] = light(colour);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    };
    return std::max(luminance(a), luminance(b)) / std::min(luminance(a), luminance(b));
}

TEST_CASE("figures: ten classes have colours that the colour-blind tell apart too, on white and on dark, and markers of their own") {
    constexpr std::array<double, 4> least{0.13, 0.1, 0.1, 0.07};
    for (std::size_t i = 0; i < 10; i++) {
        const ClassMark mark = class_mark(i);
        CAPTURE(mark.colour);
        CHECK(contrast(mark.colour, "#ffffff") >= 2);
        CHECK(contrast(mark.colour, "#161b22") >= 2.4);
        for (std::size_t j = 0; j < i; j++) {
            CAPTURE(class_mark(j).colour);
            CHECK(class_mark(j).marker != mark.marker);
            for (std::size_t eye = 0; eye < eyes.size(); eye++) CHECK(distance(eyes[eye], mark.colour, class_mark(j).colour) >= least[eye]);
        }
    }
}

TEST_CASE("figures: no two of 150 classes look alike") {
    for (std::size_t i = 0; i < 150; i++)
        for (std::size_t j = 0; j < i; j++) CHECK_FALSE(class_mark(i) == class_mark(j));
}

TEST_CASE("figures: a code in a text of limited length") {
    const std::vector<float> code{-8, 0.125F, 1e-7F};
    CHECK(code_text(code, 100) == "(-8, 0.125, 1e-07)");
    CHECK(code_text(code, 18) == "(-8, 0.125, 1e-07)");
    CHECK(code_text(code, 17) == "(-8, 0.125, …)");
    CHECK(code_text(code, 1) == "(-8, …)");
}

TEST_CASE("figures: nothing in a name is special") {
    CHECK(quoted_text("it's \"$x\" `id`\n") == "'it'.\"'\".'s \"$x\" `id` '");
    CHECK(quoted_text("\xff") == "'\xef\xbf\xbd'");
    if (std::system("command -v gnuplot >/dev/null") != 0) return;
    const TemporaryFolder folder;
    const std::filesystem::path file = folder.path() / "it's a |name `id`.svg";
    draw_mosaic(file, {.shape = {1, 1, 1}, .images = {0.5F}, .row_names = {"a'b\n`id`"}, .column_names = {"it's\n<&>\n\"x\\n{}\""}},
                "'; system 'false");
    const std::string picture = read_plain(file);
    for (const char *text : {">a'b<", ">`id`<", ">it's<", ">&lt;&amp;", "x\\n{}", ">'; system 'false<"}) {
        CAPTURE(text);
        CHECK(picture.find(text) != std::string::npos);
    }
}

}  // namespace
}  // namespace castnet::test

// What tells classes apart in a plot: a colour and a marker for each.
#pragma once

#include <array>
#include <cstddef>

namespace castnet {

struct ClassMark {
    const char *colour;
    int marker;  ///< gnuplot's number for it
    bool operator==(const ClassMark &) const = default;
};

/// Colours that differ for the colour-blind too, and from white and dark pages. The first three are Okabe & Ito's (2008); the others were
/// searched for, so that the least distance of two in OKLab, as seen with and without red or green cones, is large.
inline constexpr std::array<const char *, 10> class_colours{"#0072b2", "#d55e00", "#009e73", "#14b9e1", "#fd9826",
                                                            "#91be90", "#a76ffd", "#aa2a00", "#710af5", "#236558"};

/// All of gnuplot's: a disc, a square, a triangle, a diamond, another triangle, a pentagon; then crosses, and the others unfilled.
inline constexpr std::array<int, 15> class_markers{7, 5, 9, 13, 11, 15, 2, 6, 4, 3, 8, 12, 1, 10, 14};

/// Of the class at that place: the first ten have a colour and a marker of their own, the first 150 a pair of them.
constexpr ClassMark class_mark(std::size_t place) {
    const std::size_t colour = place % class_colours.size();
    return {class_colours[colour], class_markers[(colour + place / class_colours.size()) % class_markers.size()]};
}

}  // namespace castnet

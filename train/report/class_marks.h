// The colours and markers that tell classes apart in a plot.
#pragma once

#include <array>
#include <cstddef>

namespace castnet {

struct ClassMark {
    const char *colour;
    int marker;  ///< gnuplot's point type
    bool operator==(const ClassMark &) const = default;
};

/// Colours that the colour-blind can tell apart too, and that stand out from white and dark pages. The first three are Okabe & Ito's
/// (2008). The others come from a search for a large least distance of any two in OKLab, as seen with and without red or green cones.
inline constexpr std::array<const char *, 10> class_colours{"#0072b2", "#d55e00", "#009e73", "#14b9e1", "#fd9826",
                                                            "#91be90", "#a76ffd", "#aa2a00", "#710af5", "#236558"};

/// All of gnuplot's markers: disc, square, triangle, diamond, another triangle, pentagon; then crosses and unfilled ones.
inline constexpr std::array<int, 15> class_markers{7, 5, 9, 13, 11, 15, 2, 6, 4, 3, 8, 12, 1, 10, 14};

/// Returns the mark of the class at that place. The first ten have a colour and a marker of their own; the first 150, a pair of their own.
constexpr ClassMark class_mark(std::size_t place) {
    const std::size_t colour = place % class_colours.size();
    return {class_colours[colour], class_markers[(colour + place / class_colours.size()) % class_markers.size()]};
}

}  // namespace castnet

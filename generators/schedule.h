// What may be chosen of a contraction's schedule. Each choice is a GeneratorParam of the same name whose default is computed from the
// shapes; a schedule is legal for every shape that lists it in its space, and refused with a reason elsewhere.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "register_tile.h"

namespace castnet {

/// How products with the zeros around a grid are avoided.
enum class PaddingChoice {
    automatic,
    skip,   ///< the reduction leaves them out, where the tile knows them: those of a single row, and of all columns
    stage,  ///< a copy of the grid with its zeros: no test in the reduction
};

inline const std::map<std::string, PaddingChoice> &padding_names() {
    static const std::map<std::string, PaddingChoice> names{
        {"automatic", PaddingChoice::automatic}, {"skip", PaddingChoice::skip}, {"stage", PaddingChoice::stage}};
    return names;
}

/// A GeneratorParam and the values that are worth a trial, each legal together with every value of the others.
struct Choice {
    std::string name;
    std::vector<std::string> values;  ///< where they have an order, in that order
};

/// One way to lay a contraction out, with the choices that it has, and none that it would ignore. Its name is the value of `method`, unless
/// a choice says another.
struct Method {
    std::string name;
    std::vector<Choice> choices;
};

/// A generator whose schedule can be searched.
class Tunable {
public:
    Tunable() = default;
    Tunable(const Tunable &) = delete;
    Tunable &operator=(const Tunable &) = delete;
    virtual ~Tunable() = default;

    /// The methods for the shapes that are set, the default one first.
    [[nodiscard]] virtual std::vector<Method> space() const = 0;
};

[[noreturn]] inline void refuse(const std::string &reason) {
    throw Halide::CompileError("castnet: " + reason);
}

/// The choice among `tiles`, the likely best first.
inline Choice tile_choice(const std::vector<RegisterTile> &tiles) {
    constexpr size_t most = 64;  // the rest is far from the best by any machine's measure
    Choice choice{"tile", {}};
    for (size_t i = 0; i < std::min(most, tiles.size()); i++) choice.values.push_back(tiles[i].text());
    return choice;
}

/// The tile that `text` names among `tiles`, or the first where it is empty.
inline RegisterTile choose_tile(const std::vector<RegisterTile> &tiles, const std::string &text) {
    if (text.empty()) return tiles.front();
    const auto chosen = std::ranges::find(tiles, text, &RegisterTile::text);
    if (chosen == tiles.end()) refuse("tile=" + text + " does not fit the registers or the shape; the largest is " + tiles.front().text());
    return *chosen;
}

/// The numbers of `candidates` that divide `extent`.
inline Choice divisors_choice(const std::string &name, int extent, const std::vector<int> &candidates) {
    Choice choice{name, {}};
    for (const int candidate : candidates) {
        if (extent % candidate == 0) choice.values.push_back(std::to_string(candidate));
    }
    return choice;
}

}  // namespace castnet

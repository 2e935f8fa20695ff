#include "generators/language/suggestion.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace castnet {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);  // the distances of a's prefix so far from every prefix of b
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); i++) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); j++) {
            const std::size_t exchanged = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = std::exchange(row[j + 1], std::min({row[j + 1] + 1, row[j] + 1, exchanged}));
        }
    }
    return row.back();
}

std::string suggestion(std::string_view word, std::string_view what, std::span<const std::string_view> allowed) {
    constexpr std::size_t most_edits = 2, most_letters = 64;
    const auto distance = [&](std::string_view other) { return edit_distance(word.substr(0, most_letters), other); };
    const auto nearest = std::ranges::min_element(allowed, {}, distance);
    if (distance(*nearest) <= std::min(most_edits, word.size() - 1)) return fmt::format("did you mean {}?", *nearest);
    std::string list(allowed.front());
    for (std::size_t i = 1; i < allowed.size(); i++) list += fmt::format("{}{}", i + 1 < allowed.size() ? ", " : " and ", allowed[i]);
    return fmt::format("{} are {}", what, list);
}

}  // namespace castnet

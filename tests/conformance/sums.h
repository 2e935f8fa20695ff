// Sums in double, with a bound on float's error.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace castnet::test {

constexpr double unit_roundoff = 0x1p-24;

/// Each sum's value, number of terms and sum of their magnitudes.
struct Sums {
    std::vector<double> value, magnitude, terms;
    explicit Sums(std::size_t size) : value(size), magnitude(size), terms(size) {}
    void add(std::size_t i, double term) {
        value[i] += term;
        magnitude[i] += std::abs(term);
        terms[i] += 1;
    }
    /// Returns the bound of Higham, Accuracy and Stability, (3.5): |error| ≤ γₙ Σ|aᵢbᵢ| for any order of summation, where
    /// γₙ = n·u / (1 - n·u) ≤ 2·n·u.
    double bound(std::size_t i) const { return terms[i] * unit_roundoff / (1 - terms[i] * unit_roundoff) * magnitude[i]; }
};

}  // namespace castnet::test

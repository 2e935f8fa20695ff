// Statistics of a stream of numbers, in fixed memory.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace castnet {

/// The mean and the standard deviation of all numbers so far (Welford 1962).
class StreamingMoments {
public:
    void add(double number) noexcept {
        count_++;
        const double before = number - mean_;
        mean_ += before / static_cast<double>(count_);
        squares_ += before * (number - mean_);
    }
    [[nodiscard]] std::int64_t count() const noexcept { return count_; }
    [[nodiscard]] double mean() const noexcept { return mean_; }
    /// Returns the standard deviation of a sample; 0 for fewer than two numbers.
    [[nodiscard]] double deviation() const noexcept { return count_ < 2 ? 0 : std::sqrt(squares_ / static_cast<double>(count_ - 1)); }

private:
    std::int64_t count_ = 0;
    double mean_ = 0, squares_ = 0;  // of the distances from the mean
};

/// Estimates a quantile of all numbers so far: the P² algorithm (Jain and Chlamtac 1985). Five markers follow the least number, the
/// greatest, the quantile, and the middles between them; each new number moves them along a parabola through their neighbours. Rough for
/// the middle of a stream that only rises or falls.
class StreamingQuantile {
public:
    /// `quantile` is between 0 and 1.
    explicit StreamingQuantile(double quantile) noexcept : rates_{0, quantile / 2, quantile, (1 + quantile) / 2, 1} {}

    void add(double number) noexcept {
        if (count_ < heights_.size()) {
            std::size_t place = count_++;
            for (; place > 0 && heights_[place - 1] > number; place--) heights_[place] = heights_[place - 1];
            heights_[place] = number;
            return;
        }
        heights_.front() = std::min(heights_.front(), number);
        heights_.back() = std::max(heights_.back(), number);
        for (std::size_t i = 1; i < places_.size(); i++) {
            if (i + 1 == places_.size() || number < heights_[i]) places_[i]++;
        }
        count_++;
        for (std::size_t i = 1; i + 1 < places_.size(); i++) adjust(i);
    }

    /// Returns the estimate; of at most five numbers the quantile itself, rounded up to one of them. Returns 0 if there are none.
    [[nodiscard]] double value() const noexcept {
        if (count_ == 0) return 0;
        if (count_ > heights_.size()) return heights_[2];
        const auto place = static_cast<std::size_t>(std::ceil(rates_[2] * static_cast<double>(count_)));
        return heights_[std::clamp<std::size_t>(place, 1, count_) - 1];
    }

private:
    /// Moves a marker by one place if it is that far from where it should be.
    void adjust(std::size_t i) noexcept {
        const double wanted = 1 + rates_[i] * static_cast<double>(count_ - 1), distance = wanted - places_[i];
        const double above = places_[i + 1] - places_[i], below = places_[i] - places_[i - 1];
        if (!(distance >= 1 && above > 1) && !(distance <= -1 && below > 1)) return;
        const double step = distance > 0 ? 1 : -1;
        const double rise = (heights_[i + 1] - heights_[i]) / above, fall = (heights_[i] - heights_[i - 1]) / below;
        const double parabola = heights_[i] + step / (above + below) * ((below + step) * rise + (above - step) * fall);
        const bool is_between = heights_[i - 1] < parabola && parabola < heights_[i + 1];
        heights_[i] = is_between ? parabola : heights_[i] + step * (step > 0 ? rise : fall);
        places_[i] += step;
    }

    std::array<double, 5> rates_, heights_{}, places_{1, 2, 3, 4, 5};
    std::size_t count_ = 0;
};

}  // namespace castnet

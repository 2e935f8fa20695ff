// A list whose values are computed on access; clang 14 cannot compile libstdc++'s views.
#pragma once

#include <cstddef>
#include <utility>

namespace castnet {

/// The values item(0) … item(size - 1).
template <typename Item>
class Listing {
public:
    class Iterator {
    public:
        constexpr Iterator(const Listing &listing, std::size_t index) : listing_(&listing), index_(index) {}
        constexpr auto operator*() const { return (*listing_)[index_]; }
        constexpr Iterator &operator++() {
            index_++;
            return *this;
        }
        constexpr bool operator==(const Iterator &) const = default;

    private:
        const Listing *listing_;
        std::size_t index_;
    };

    constexpr Listing(std::size_t size, Item item) : size_(size), item_(std::move(item)) {}
    [[nodiscard]] constexpr std::size_t size() const { return size_; }
    [[nodiscard]] constexpr auto operator[](std::size_t index) const { return item_(index); }
    [[nodiscard]] constexpr Iterator begin() const { return {*this, 0}; }
    [[nodiscard]] constexpr Iterator end() const { return {*this, size_}; }

private:
    std::size_t size_;
    Item item_;
};

}  // namespace castnet

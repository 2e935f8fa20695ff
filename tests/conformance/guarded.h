// A buffer between guard elements. It is filled with NaN so that unwritten elements show.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "Halide.h"
#include "tests/conformance/layer.h"

namespace castnet::test {

/// Returns the extents of a map's kernel, in Halide's order.
inline std::vector<int> kernel_extents(const Geometry &map) {
    const auto shape = map.kernel_shape();
    return {shape.rbegin(), shape.rend()};
}

class Guarded {
public:
    Guarded(const Shape &shape, int images) : Guarded({shape.channels, shape.width, shape.height, images}) {}

    /// Misaligns the data for every vector, unless `aligned` to 64 bytes. Only outputs that a pipeline adds to need alignment.
    explicit Guarded(const std::vector<int> &extents, bool aligned = false) {
        for (const int extent : extents) size_ *= std::size_t(extent);
        memory_.assign(size_ + 2 * guard + 16, canary);
        begin_ = guard;
        while (reinterpret_cast<std::uintptr_t>(data()) % 64 != (aligned ? 0 : 4)) begin_++;
        std::fill_n(data(), size_, std::numeric_limits<float>::quiet_NaN());
        buffer_ = Halide::Buffer<float>(data(), extents);
    }
    Halide::Buffer<float> &buffer() { return buffer_; }
    std::size_t size() const { return size_; }
    float *data() { return memory_.data() + begin_; }
    const float *data() const { return memory_.data() + begin_; }
    std::vector<double> values() const { return {data(), data() + size_}; }
    bool guards_intact() const {
        const auto intact = [](float value) { return value == canary; };
        return std::all_of(memory_.data(), data(), intact) && std::all_of(data() + size_, memory_.data() + memory_.size(), intact);
    }

private:
    static constexpr std::size_t guard = 64;
    static constexpr float canary = 12345.678F;
    std::vector<float> memory_;  // moved, never copied: data() must stay where buffer_ points
    std::size_t size_ = 1, begin_ = 0;
    Halide::Buffer<float> buffer_;
};

}  // namespace castnet::test

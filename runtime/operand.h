// A dense array of floats as Halide's pipelines take it, on the stack.
#pragma once

#include <HalideRuntime.h>

#include <array>
#include <cstdint>
#include <initializer_list>

#include "runtime/description.h"

namespace castnet {

/// A dense float buffer of at most 2147483632 elements. As in Halide, the first dimension is innermost.
class Operand {
public:
    Operand(const float *data, std::initializer_list<std::size_t> extents) {
        std::size_t stride = 1;
        for (const std::size_t extent : extents) {
            dimensions_[static_cast<std::size_t>(buffer_.dimensions++)] = {0, static_cast<std::int32_t>(extent),
                                                                           static_cast<std::int32_t>(stride)};
            stride *= extent;
        }
        // Halide's buffers do not know const; its pipelines write to their outputs only.
        buffer_.host = reinterpret_cast<std::uint8_t *>(const_cast<float *>(data));
        buffer_.type = halide_type_of<float>();
        buffer_.dim = dimensions_.data();
    }
    /// A grid of `images` images.
    Operand(const float *data, const Shape &shape, int images)
        : Operand(data, {static_cast<std::size_t>(shape.channels), static_cast<std::size_t>(shape.width),
                         static_cast<std::size_t>(shape.height), static_cast<std::size_t>(images)}) {}
    /// `count` rows of `elements` floats, which begin `stride` floats apart.
    Operand(const float *data, std::size_t elements, std::size_t count, std::size_t stride) : Operand(data, {elements, count}) {
        dimensions_[1].stride = static_cast<std::int32_t>(stride);
    }
    Operand(const Operand &) = delete;
    Operand &operator=(const Operand &) = delete;

    /// Converts to a pipeline's argument.
    operator halide_buffer_t *() const { return &buffer_; }

private:
    std::array<halide_dimension_t, 4> dimensions_{};
    mutable halide_buffer_t buffer_{};  // pipelines mark their outputs as written
};

}  // namespace castnet

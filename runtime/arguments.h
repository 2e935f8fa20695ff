// The arguments of a pipeline, on the stack.
#pragma once

#include <HalideRuntime.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <utility>

#include "runtime/description.h"

namespace castnet {

/// A dense float operand of at most 2147483647 elements as Halide sees it: the first dimension is innermost.
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
    Operand(const Operand &) = delete;
    Operand &operator=(const Operand &) = delete;

    void *argument() { return &buffer_; }

    /// Sets the elements from one index of the last dimension to the next.
    Operand &with_last_stride(std::size_t stride) {
        dimensions_[static_cast<std::size_t>(buffer_.dimensions - 1)].stride = static_cast<std::int32_t>(stride);
        return *this;
    }

private:
    std::array<halide_dimension_t, 4> dimensions_{};
    halide_buffer_t buffer_{};
};

inline void *argument(Operand &operand) {
    return operand.argument();
}
template <typename Scalar>
requires std::is_arithmetic_v<Scalar>
void *argument(Scalar &scalar) {
    return &scalar;
}

/// Runs a pipeline on its arguments in the generator's order: operands and scalars. Returns Halide's error code, 0 for none.
template <typename... Arguments>
int run(Pipeline pipeline, Arguments &&...arguments) noexcept {
    std::array<void *, sizeof...(Arguments)> pointers{argument(arguments)...};
    return pipeline(pointers.data());
}

}  // namespace castnet

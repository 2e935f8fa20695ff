// squared_error: the loss, and the gradient that starts the backward pass, of an output grid.
#include "activation.h"
#include "contraction.h"
#include "register_tile.h"

namespace castnet {

class SquaredError : public Halide::Generator<SquaredError> {
public:
    GeneratorParam<int> pixels{"pixels", 1}, channels{"channels", 1};
    GeneratorParam<std::string> activation{"activation", "linear"};  // the last layer's

    Input<Buffer<Element, 4>> output{"output"};       // (c, pixel, 1, n)
    Input<Buffer<Element, 4>> targets{"targets"};     // (c, pixel, 1, n)
    Input<Element> scale{"scale"};                    // 2 / elements of the batch
    Output<Buffer<Element, 4>> gradient{"gradient"};  // dL/dz = scale · (output - targets) · activation'(z)
    Output<Buffer<Element, 1>> error{"error"};        // Σ (output - targets)² of an image

    void generate() {
        const Var c("c"), x("x"), y("y"), n("n"), lane("lane");
        Func residual("residual"), scaled("scaled"), partial("partial"), total("total");
        residual(c, x, y, n) = output(c, x, y, n) - targets(c, x, y, n);
        scaled(c, x, y, n) = scale * residual(c, x, y, n);
        Epilogue epilogue = activation_gradient(activation_of(activation), scaled, output, channels);
        gradient = epilogue.out;

        // The lanes share the sum along the longer axis, and are added up at the end.
        const bool by_channel = int(channels) >= int(pixels);
        const int along = by_channel ? channels : pixels, across = by_channel ? pixels : channels;
        const int lanes = lanes_within(along, natural_vector_size(element_type()));
        const RDom r(0, across, 0, (along + lanes - 1) / lanes), all(0, lanes);
        const Expr index = lane + lanes * r.y, inside = min(index, along - 1);
        const Expr value = by_channel ? residual(inside, r.x, 0, n) : residual(r.x, inside, 0, n);
        partial(lane, n) = element(0);
        partial(lane, n) += select(index < along, value * value, element(0));
        total(n) = element(0);
        total(n) += partial(all, n);
        error = total;

        const std::vector<int> shape{channels, pixels, 1, 0};
        fix_shape(output, shape);
        fix_shape(targets, shape);
        fix_shape(gradient, shape);
        fix_shape(error, {0});
        epilogue.out.bound(c, 0, channels).bound(x, 0, pixels).bound(y, 0, 1).vectorize(by_channel ? c : x, lanes);
        for (Func &reduction : epilogue.reductions) {
            reduction.compute_at(epilogue.out, by_channel ? x : n);
            keep_on_stack(reduction, by_channel ? 1 : int64_t{pixels});
        }
        partial.compute_at(total, n).store_in(MemoryType::Register).vectorize(lane, lanes);
        partial.update().reorder(lane, r.x, r.y).vectorize(lane, lanes);
        total.update().reorder(all, n).atomic().vectorize(all);
        total.compute_root();
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::SquaredError, squared_error)

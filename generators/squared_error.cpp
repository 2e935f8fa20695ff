// squared_error: the loss, and the gradient that starts the backward pass, of an output grid.
#include "activation.h"
#include "contraction.h"
#include "register_tile.h"

namespace castnet {

class SquaredError : public Halide::Generator<SquaredError> {
public:
    GeneratorParam<int> width{"width", 1}, height{"height", 1}, channels{"channels", 1};
    GeneratorParam<Activation> activation{"activation", Activation::linear, activation_names()};  // the last layer's

    Input<Buffer<float, 4>> output{"output"};       // (c, x, y, n)
    Input<Buffer<float, 4>> targets{"targets"};     // (c, x, y, n)
    Input<float> scale{"scale"};                    // 2 / elements of the batch
    Output<Buffer<float, 4>> gradient{"gradient"};  // dL/dz = scale · (output - targets) · activation'(z)
    Output<Buffer<float, 1>> error{"error"};        // Σ (output - targets)² of an image

    void generate() {
        const Var c("c"), x("x"), y("y"), n("n");
        Func residual("residual"), scaled("scaled"), columns("columns"), total("total");
        residual(c, x, y, n) = output(c, x, y, n) - targets(c, x, y, n);
        scaled(c, x, y, n) = scale * residual(c, x, y, n);
        Epilogue epilogue = activation_gradient(activation, scaled, output, channels);
        gradient = epilogue.out;

        // Columns are summed apart first: a single chain of additions would wait for each other.
        const RDom rows(0, channels, 0, height), all(0, width);
        columns(x, n) = 0.0F;
        columns(x, n) += residual(rows.x, x, rows.y, n) * residual(rows.x, x, rows.y, n);
        total(n) = 0.0F;
        total(n) += columns(all, n);
        error = total;

        const std::vector<int> shape{channels, width, height, 0};
        fix_shape(output, shape);
        fix_shape(targets, shape);
        fix_shape(gradient, shape);
        fix_shape(error, {0});
        const int lanes = natural_vector_size(Float(32));
        epilogue.out.bound(c, 0, channels).bound(x, 0, width).bound(y, 0, height);
        const bool by_channel = int(channels) >= int(width);
        epilogue.out.vectorize(by_channel ? c : x, lanes_within(by_channel ? channels : width, lanes));
        for (Func &reduction : epilogue.reductions) reduction.compute_at(epilogue.out, by_channel ? x : y);
        columns.compute_at(total, n).store_in(MemoryType::Stack).vectorize(x, lanes_within(width, lanes));
        columns.update().reorder(x, rows.x, rows.y).vectorize(x, lanes_within(width, lanes), TailStrategy::GuardWithIf);
        total.update().reorder(all, n);
        total.compute_root();
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::SquaredError, squared_error)

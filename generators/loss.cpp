// loss: the loss, and the gradient that starts the backward pass, of an output grid.
#include "activation.h"
#include "contraction.h"
#include "register_tile.h"

namespace castnet {

/// A loss of one element, and its derivative by the output.
struct ElementLoss {
    Halide::Expr value, derivative;
};

/// The loss of output y against target t, by Keras's formulas.
inline ElementLoss element_loss(const Function &loss, const Halide::Expr &y, const Halide::Expr &t) {
    const Halide::Expr r = y - t, sign = select(r > 0.0F, element(1), r < 0.0F, element(-1), element(0));
    if (loss.name == "mean_absolute_error") return {abs(r), sign};
    if (loss.name == "huber") {
        const Halide::Expr delta = element(loss.parameter);
        return {select(abs(r) <= delta, 0.5F * r * r, delta * (abs(r) - 0.5F * delta)), clamp(r, -delta, delta)};
    }
    if (loss.name == "binary_crossentropy") {
        const Halide::Expr least = element(1e-7), most = element(1.0F - 1e-7F), p = clamp(y, least, most);
        return {-(t * log(p) + (1.0F - t) * log(1.0F - p)), select(p == y, (p - t) / (p * (1.0F - p)), element(0))};
    }
    return {r * r, 2.0F * r};
}

/// Binary cross-entropy behind a sigmoid, from the sum z that this takes; the derivative by z.
inline ElementLoss cross_entropy_of_sum(const Halide::Expr &z, const Halide::Expr &t) {
    return {softplus(z) - z * t, logistic(z) - t};
}

class Loss : public Halide::Generator<Loss> {
public:
    GeneratorParam<int> pixels{"pixels", 1}, channels{"channels", 1};
    GeneratorParam<std::string> activation{"activation", "linear"};  // the last layer's
    GeneratorParam<std::string> loss{"loss", "mean_squared_error"};  // as a network's text names it

    Input<Buffer<Element, 4>> output{"output"};       // (c, pixel, 1, n), or the last layer's sums where needs_sums()
    Input<Buffer<Element, 4>> targets{"targets"};     // (c, pixel, 1, n)
    Input<Element> scale{"scale"};                    // 1 / elements of the batch
    Output<Buffer<Element, 4>> gradient{"gradient"};  // dL/dz, L the mean over the batch
    Output<Buffer<Element, 1>> error{"error"};        // the sum over the elements of an image

    void generate() {
        const std::optional<Function> named = parse_function(loss.value(), known_losses);
        if (!named) refuse("loss=" + loss.value() + " has no meaning");
        const Function last = activation_of(activation);
        const bool is_of_sums = last.name == "sigmoid" && needs_sums(last.name, named->name);
        const Expr kept = output(c, x, y, n), t = targets(c, x, y, n);
        const ElementLoss term = is_of_sums ? cross_entropy_of_sum(kept, t)
                                            : element_loss(*named, needs_sums(last.name) ? activate_element(last, kept) : kept, t);
        value(c, x, y, n) = term.value;
        scaled(c, x, y, n) = scale * term.derivative;
        epilogue = activation_gradient(is_of_sums ? Function{"linear"} : last, scaled, output, channels);
        gradient = epilogue.out;
        sum_of_images();
        error = total;

        const std::vector<int> shape{channels, pixels, 1, 0};
        fix_shape(output, shape);
        fix_shape(targets, shape);
        fix_shape(gradient, shape);
        fix_shape(error, {0});
    }

    void schedule() {
        epilogue.out.bound(c, 0, channels).bound(x, 0, pixels).bound(y, 0, 1).vectorize(by_channel() ? c : x, lanes());
        for (Func &reduction : epilogue.reductions) {
            reduction.compute_at(epilogue.out, by_channel() ? x : n);
            keep_on_stack(reduction, by_channel() ? 1 : int64_t{pixels});
        }
        partial.compute_at(total, n).store_in(MemoryType::Register).vectorize(lane, lanes());
        partial.update().reorder(lane, r.x, r.y).vectorize(lane, lanes());
        total.update().reorder(all, n).atomic().vectorize(all);
        total.compute_root();
    }

private:
    const Var c{"c"}, x{"x"}, y{"y"}, n{"n"}, lane{"lane"};
    Func value{"value"}, scaled{"scaled"}, partial{"partial"}, total{"total"};
    RDom r, all;
    Epilogue epilogue;

    bool by_channel() const { return int(channels) >= int(pixels); }
    int along() const { return by_channel() ? channels : pixels; }
    int lanes() const { return lanes_within(along(), natural_vector_size(element_type())); }

    /// The lanes share the sum along the longer axis, and are added up at the end.
    void sum_of_images() {
        const int across = by_channel() ? pixels : channels;
        r = RDom(0, across, 0, ceil_div(along(), lanes()));
        all = RDom(0, lanes());
        const Expr index = lane + lanes() * r.y, inside = min(index, along() - 1);
        const Expr term = by_channel() ? value(inside, r.x, 0, n) : value(r.x, inside, 0, n);
        partial(lane, n) = element(0);
        partial(lane, n) += select(index < along(), term, element(0));
        total(n) = element(0);
        total(n) += partial(all, n);
    }
};

}  // namespace castnet

HALIDE_REGISTER_GENERATOR(castnet::Loss, loss)

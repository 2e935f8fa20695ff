// Compares the optimizers' steps with Keras's formulas in double, and tests them in networks.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include "runtime/autoencoder.h"
#include "runtime/parallel.h"
#include "runtime/random.h"
#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

TEST_CASE("adam: the first steps, computed by hand") {
    // test_one: y = tanh(w2 (w1 x + b1) + b2). With w1 = 1, b1 = 0, w2 = 0, b2 = 0, x = 1, t = -1: y = 0, dL/dz = 2 (0 + 1) = 2, so
    // g(w2) = 2, g(b2) = 2, and g(w1) = g(b1) = 0 as w2 = 0.
    Network network(test_one::network, 1, 1);
    network.kernel(0)[0] = 1;
    REQUIRE(network.weights_changed() == 0);
    const std::vector<float> x{1}, t{-1};
    Optimizer adam{.learning_rate = 0.1F};

    const StepResult first = adam.step(network, Batch::of(x, t, 1));
    CHECK(first.error == 0);
    CHECK(first.loss == doctest::Approx(1));
    REQUIRE(network.sum_gradients(1) == 0);
    CHECK(network.kernel(1, Block::gradients)[0] == doctest::Approx(2));
    // m = 0.1·2 = 0.2, v = 0.001·4 = 0.004; rate = 0.1·√0.001/0.1 = 0.0316228; w = -0.0316228·0.2/(0.0632456 + 1e-7) = -0.0999998.
    CHECK(network.kernel(1, Block::moments_1)[0] == doctest::Approx(0.2));
    CHECK(network.kernel(1, Block::moments_2)[0] == doctest::Approx(0.004));
    CHECK(network.kernel(1)[0] == doctest::Approx(-0.0999998).epsilon(1e-6));
    CHECK(network.bias(1)[0] == doctest::Approx(-0.0999998).epsilon(1e-6));
    CHECK(network.kernel(0)[0] == 1);  // g = 0: m = v = 0, and 0/(0 + ε) moves nothing

    // The second step, in double: z = w2·1 + b2 = -0.2, y = tanh(-0.2).
    const double y = std::tanh(2 * double(network.kernel(1)[0]));
    const double g = 2 * (y + 1) * (1 - y * y);
    const double m = 0.2 + 0.1 * (g - 0.2), v = 0.004 + 0.001 * (g * g - 0.004);
    const double rate = 0.1 * std::sqrt(1 - 0.999 * 0.999) / (1 - 0.9 * 0.9);
    const double w = double(network.kernel(1)[0]) - rate * m / (std::sqrt(v) + 1e-7);
    REQUIRE(adam.step(network, Batch::of(x, t, 1)).error == 0);
    CHECK(network.kernel(1)[0] == doctest::Approx(w).epsilon(1e-5));
    CHECK(adam.steps == 2);
}

/// Every kind, with and without what all have.
std::vector<Optimizer> all_optimizers() {
    std::vector<Optimizer> all{Optimizer::adam(), Optimizer::adamw(), Optimizer::sgd(), Optimizer::sgd(0.9F), Optimizer::sgd(0.8F, true)};
    for (std::size_t plain = 0, count = all.size(); plain < count; plain++) {
        Optimizer &more = all.emplace_back(all[plain]);
        more.weight_decay = 0.3F;
        more.clip_norm = 0.02F;
    }
    return all;
}

/// A tensor and what the optimizer keeps beside it, as Keras updates them.
struct ReferenceTensor {
    std::vector<double> w, m, v;
    double longest_step = 0;

    explicit ReferenceTensor(std::span<const float> weights) : w(weights.begin(), weights.end()), m(w.size()), v(w.size()) {}

    /// Takes step number t. Returns whether the gradient was clipped.
    bool step(const Optimizer &o, std::span<const float> gradient, int t) {
        double norm = 0;
        for (const float g : gradient) norm += double(g) * double(g);
        norm = std::sqrt(norm);
        const bool clips = o.clip_norm > 0 && norm > double(o.clip_norm);
        const double scale = clips ? double(o.clip_norm) / norm : 1;
        for (std::size_t i = 0; i < w.size(); i++) {
            const double before = w[i];
            w[i] -= w[i] * double(o.weight_decay) * double(o.learning_rate);
            update(o, i, scale * double(gradient[i]), t);
            longest_step = std::max(longest_step, std::abs(w[i] - before));
        }
        return clips;
    }

private:
    void update(const Optimizer &o, std::size_t i, double g, int t) {
        const double rate = o.learning_rate, momentum = o.momentum;
        if (o.kind == Optimizer::Kind::adam) {
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            w[i] -= rate * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * m[i] / (std::sqrt(v[i]) + 1e-7);
        } else if (momentum == 0) {
            w[i] -= rate * g;
        } else {
            m[i] = momentum * m[i] - rate * g;
            w[i] += o.nesterov ? momentum * m[i] - rate * g : m[i];
        }
    }
};

void check_near(std::span<const float> got, const ReferenceTensor &want) {
    double worst = 0, largest = 0;
    for (std::size_t i = 0; i < got.size(); i++) {
        worst = std::max(worst, std::abs(double(got[i]) - want.w[i]));
        largest = std::max(largest, std::abs(want.w[i]));
    }
    CHECK(worst < 1e-3 * want.longest_step + 1e-6 * largest);  // four steps round a dozen times
}

TEST_CASE("optimizer: every weight takes Keras's steps, at a rate that changes, in an arena of just what the optimizer keeps") {
    int clipped = 0, unclipped = 0;
    for (const NetworkDescription *description : {&test_odd::network, &test_dense::network, &test_gap::network}) {
        CAPTURE(description->name);
        const std::vector<Optimizer> optimizers = all_optimizers();
        for (std::size_t which = 0; which < optimizers.size(); which++) {
            CAPTURE(which);
            Optimizer optimizer = optimizers[which];
            const std::size_t bytes = ArenaLayout(*description, 9, 1, Purpose::training, optimizer.slots()).bytes();
            std::vector<std::byte> memory(bytes + 3 * ArenaLayout::alignment, std::byte{0x5a});
            void *begin = memory.data();
            std::size_t space = memory.size();
            REQUIRE(std::align(ArenaLayout::alignment, bytes, begin, space) != nullptr);
            Network network(*description, 9, 1, Purpose::training, {static_cast<std::byte *>(begin), bytes}, optimizer.slots());
            REQUIRE(network.is_ready());
            Random random(2);
            set_random_weights(network, random);
            const std::vector<float> images = random_values(9 * description->input.size(), random);
            const Batch batch = Batch::of(images, images, 9);  // four shards, the last one smaller
            std::vector<ReferenceTensor> wanted;
            for (const Network::Tensor &tensor : network.tensors()) wanted.emplace_back(tensor.values);
            for (int step = 1; step <= 4; step++) {
                if (step == 3) optimizer.learning_rate /= 2;
                REQUIRE(network.backward(batch).error == 0);
                for (std::size_t l = 0; l < description->layers.size(); l++) REQUIRE(network.sum_gradients(l) == 0);
                for (std::size_t i = 0; i < wanted.size(); i++)
                    (wanted[i].step(optimizer, network.tensors(Block::gradients)[i].values, step) ? clipped : unclipped)++;
                REQUIRE(optimizer.step(network, batch).error == 0);
            }
            for (std::size_t i = 0; i < wanted.size(); i++) {
                CAPTURE(i);
                check_near(network.tensors()[i].values, wanted[i]);
            }
            for (const std::byte *after = static_cast<std::byte *>(begin) + bytes; after < memory.data() + memory.size(); after++)
                REQUIRE(*after == std::byte{0x5a});
        }
    }
    CHECK(clipped > 50);
    CHECK(unclipped > 50);
}

TEST_CASE("optimizer: the defaults are Keras's, and no more is kept than each needs") {
    CHECK(Optimizer::adam().learning_rate == 1e-3F);
    CHECK(Optimizer::adam().weight_decay == 0);
    CHECK(Optimizer::adamw().learning_rate == 1e-3F);
    CHECK(Optimizer::adamw().weight_decay == 0.004F);
    CHECK(Optimizer::sgd().learning_rate == 0.01F);
    CHECK(Optimizer::sgd().momentum == 0);
    const auto bytes = [](const Optimizer &optimizer) { return mnist_cae::arena_bytes(32, 1, Purpose::training, optimizer); };
    const std::size_t block = ArenaLayout(mnist_cae::network, 32, 1).parameters * sizeof(float);
    CHECK(bytes(Optimizer::adam()) == mnist_cae::arena_bytes());
    CHECK(bytes(Optimizer::adamw()) == mnist_cae::arena_bytes());
    CHECK(bytes(Optimizer::sgd(0.9F)) == mnist_cae::arena_bytes() - block);
    CHECK(bytes(Optimizer::sgd()) == mnist_cae::arena_bytes() - 2 * block);
    CHECK(mnist_cae::arena_bytes(1, 1, Purpose::inference, Optimizer::sgd()) == mnist_cae::arena_bytes(1, 1, Purpose::inference));
    CHECK(ArenaLayout(mnist_cae::network, 32, 1, Purpose::training, 1).memory().optimizer == block);
    CHECK(ArenaLayout(mnist_cae::network, 32, 1, Purpose::inference).memory().optimizer == 0);
}

TEST_CASE("optimizer: numbers that are none, and one that keeps more than there is room for, are refused, and no weight moves") {
    test_gap::Autoencoder model({.batch_size = 2, .optimizer = Optimizer::sgd()});
    Random random(4);
    const std::vector<float> images = random_values(2 * test_gap::input.size(), random);
    std::vector<float> before(test_gap::parameter_count), after(before.size());
    REQUIRE(model.save(before) == 0);
    const auto check_refused = [&](const Optimizer &optimizer, std::string_view why) {
        model.optimizer() = optimizer;
        CHECK(model.step(images).error != 0);
        CHECK(std::string_view(model.error_message()).find(why) != std::string_view::npos);
        REQUIRE(model.save(after) == 0);
        CHECK(after == before);
    };
    check_refused(Optimizer::adam(), "no room for what the optimizer keeps");
    check_refused(Optimizer::sgd(0.9F), "no room for what the optimizer keeps");
    for (float Optimizer::*number : {&Optimizer::learning_rate, &Optimizer::momentum, &Optimizer::weight_decay, &Optimizer::clip_norm}) {
        for (const float wrong : {-1.0F, std::numeric_limits<float>::quiet_NaN()}) {
            Optimizer optimizer = Optimizer::sgd();
            optimizer.*number = wrong;
            check_refused(optimizer, "is negative or NaN");
        }
    }
    model.optimizer() = Optimizer::sgd();
    CHECK(model.step(images).error == 0);
    REQUIRE(model.save(after) == 0);
    CHECK(after != before);
}

TEST_CASE("optimizer: a clipped gradient that is not finite is still found") {
    for (const float wrong : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
        Optimizer optimizer = Optimizer::sgd();
        optimizer.clip_norm = 1;
        Network network(test_one::network, 1, 1, Purpose::training, {}, optimizer.slots());
        network.kernel(0)[0] = 1;
        network.kernel(1)[0] = wrong;
        REQUIRE(network.weights_changed() == 0);
        const std::vector<float> x{1}, t{-1};
        CHECK(optimizer.step(network, Batch::of(x, t, 1)).error != 0);
    }
}

TEST_CASE("optimizer: any number of threads gives the same bits, and other weights begin it anew") {
    for (const Optimizer &optimizer : all_optimizers()) {
        std::vector<float> reference;
        for (const int threads : {1, 2, 3, 4}) {
            use_threads(threads);
            Autoencoder model(test_rgb::network, {.batch_size = 13, .threads = threads, .optimizer = optimizer});
            Random random(3);
            const std::vector<float> images = random_values(13 * test_rgb::input.size(), random);
            std::vector<float> start(test_rgb::parameter_count), weights(start.size()), again(start.size());
            REQUIRE(model.save(start) == 0);
            for (int step = 0; step < 3; step++) REQUIRE(model.step(images).error == 0);
            REQUIRE(model.save(weights) == 0);
            if (reference.empty()) reference = weights;
            CHECK(weights == reference);
            REQUIRE(model.load(start) == 0);
            for (int step = 0; step < 3; step++) REQUIRE(model.step(images).error == 0);
            REQUIRE(model.save(again) == 0);
            CHECK(again == reference);
        }
    }
    use_threads(1);
}

}  // namespace
}  // namespace castnet::test

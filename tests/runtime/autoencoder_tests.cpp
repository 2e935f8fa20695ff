// Tests the class Autoencoder on the caller's memory.
#include "runtime/autoencoder.h"

#include <HalideRuntime.h>
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

TEST_CASE("autoencoder: learns, and does what the network under it does") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        Random random(1);
        Autoencoder model(*description, {.batch_size = 8, .threads = 2, .seed = 5});
        REQUIRE(model.is_ready());
        Network network(*description, 8, 1);
        Random again(5);
        REQUIRE(glorot_uniform(network, again) == 0);
        Optimizer adam;
        const std::vector<float> images = random_values(8 * description->input.size(), random);
        const std::vector<float> targets =
            description->input == description->output ? images : random_values(8 * description->output.size(), random);
        for (int step = 0; step < 5; step++) {
            network.draw(5, std::uint64_t(step));
            const StepResult result = step == 0 && targets == images ? model.step(images) : model.step(images, targets),
                             same = adam.step(network, Batch::of(images, targets, 8));
            REQUIRE(result.error == 0);
            CHECK(result.loss == same.loss);
        }
        std::vector<float> codes(8 * description->code.size()), decoded(targets.size()), outputs(targets.size());
        CHECK(model.encode(images, codes) == 0);
        CHECK(model.decode(codes, decoded) == 0);
        CHECK(model.reconstruct(images, outputs) == 0);
        CHECK(outputs == decoded);

        // The weights make another model equal, also one for inference only.
        std::vector<float> weights(description->parameter_count());
        REQUIRE(model.save(weights) == 0);
        for (const Purpose purpose : {Purpose::training, Purpose::inference}) {
            Autoencoder other(*description, {.batch_size = 3, .purpose = purpose});
            REQUIRE(other.load(weights) == 0);
            std::vector<float> same(targets.size());  // three batches; still empty, so that it cannot match by accident
            CHECK(other.reconstruct(images, same) == 0);
            CHECK(outputs == same);
        }
    }
}

TEST_CASE("autoencoder: other weights begin the optimizer anew") {
    mnist_cae::Autoencoder model({.batch_size = 4}), fresh({.batch_size = 4});
    Random random(2);
    const std::vector<float> images = random_values(4 * mnist_cae::input.size(), random);
    std::vector<float> start(mnist_cae::parameter_count), after(start.size()), again(start.size());
    REQUIRE(model.save(start) == 0);
    for (int step = 0; step < 3; step++) REQUIRE(model.step(images).error == 0);
    REQUIRE(model.load(start) == 0);
    REQUIRE(model.step(images).error == 0);
    REQUIRE(fresh.step(images).error == 0);
    REQUIRE(model.save(after) == 0);
    REQUIRE(fresh.save(again) == 0);
    CHECK(after == again);
}

TEST_CASE("autoencoder: steps in one fork are those taken one by one, from initial weights that any generator gives") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        Random random(3), same_seed(5);
        Autoencoder one_by_one(*description, {.batch_size = 8, .threads = 2, .seed = 5}),
            at_once(*description, {.batch_size = 8, .threads = 2, .seed = 5});
        const std::vector<float> images = random_values(8 * description->input.size(), random),
                                 targets = random_values(8 * description->output.size(), random);
        REQUIRE(at_once.step(images, targets).error == 0);  // sets the moments
        REQUIRE(at_once.initialize(same_seed) == 0);
        std::vector<double> losses, same;
        for (int step = 0; step < 5; step++) losses.push_back(one_by_one.step(images, targets).loss);
        const Batch batch = Batch::of(images, targets, 8);
        at_once.train([&](const StepResult *last) {
            if (last != nullptr) same.push_back(last->loss);
            return same.size() < 5 ? &batch : nullptr;
        });
        CHECK(losses == same);
        CHECK(at_once.penalty().loss == one_by_one.network().penalty().loss);
        std::vector<float> weights(description->parameter_count()), same_weights(weights.size());
        REQUIRE(one_by_one.save(weights) == 0);
        REQUIRE(at_once.save(same_weights) == 0);
        CHECK(weights == same_weights);
    }
}

TEST_CASE("autoencoder: targets may differ from images") {
    test_one::Autoencoder model({.batch_size = 2, .optimizer = {.learning_rate = 0.05F}});
    const std::array<float, 2> images{0.2F, 0.8F}, targets{0.5F, -0.5F};
    double first = 0, last = 0;
    for (int step = 0; step < 400; step++) {
        last = model.step(images, targets).loss;
        if (step == 0) first = last;
    }
    CHECK(last < 0.05 * first);
}

TEST_CASE("autoencoder: what does not fit is refused, and nothing is touched") {
    test_gap::Autoencoder model({.batch_size = 2});
    constexpr std::size_t in = test_gap::input.size(), code = test_gap::code.size(), count = test_gap::parameter_count;
    std::vector<float> before(count), after(count), images(3 * in), codes(code), losses(2);
    REQUIRE(model.save(before) == 0);
    CHECK(model.step({}).error != 0);
    CHECK(model.step(images).error != 0);  // three images exceed a batch
    CHECK(model.step(std::span(images).first(in + 1)).error != 0);
    CHECK(model.step(std::span(images).first(in), std::span(images).first(2 * in)).error != 0);
    CHECK(model.encode(images, codes) != 0);
    CHECK(model.encode({}, codes) != 0);
    CHECK(model.decode(std::span(codes).first(code - 1), images) != 0);
    CHECK(model.reconstruct(images, std::span(images).first(2 * in)) != 0);
    CHECK(model.losses(std::span(images).first(in + 1), losses) != 0);
    CHECK(model.losses(std::span(images).first(2 * in), std::span(images).first(in), losses) != 0);
    CHECK(model.losses(std::span(images).first(3 * in), losses) != 0);
    CHECK(model.losses(std::span(images).first(2 * in), losses) == 0);
    CHECK(model.reconstruct(std::span(images).first(in), images) != 0);  // too large an output is refused too
    CHECK(model.load(std::span(before).first(count - 1)) != 0);
    CHECK(model.save(std::span(after).first(count - 1)) != 0);
    CHECK(std::string_view(model.error_message()) != "");
    REQUIRE(model.save(after) == 0);
    CHECK(before == after);
    CHECK(model.encode(std::span(images).first(in), codes) == 0);  // still works

    Autoencoder broken(test_gap::network, {.batch_size = 0});
    CHECK_FALSE(broken.is_ready());
    CHECK(broken.step(std::span(images).first(in)).error != 0);
    CHECK(broken.encode(std::span(images).first(in), codes) != 0);
    CHECK(broken.load(before) != 0);
    CHECK(broken.save(after) != 0);
    CHECK(before == after);
    losses = {3, 4};
    CHECK(broken.losses(std::span(images).first(2 * in), losses) != 0);
    CHECK(losses == std::vector<float>{3, 4});

    Autoencoder infers(test_gap::network, {.batch_size = 2, .purpose = Purpose::inference});
    CHECK(infers.step(std::span(images).first(in)).error != 0);
    CHECK(infers.network().sum_gradients(0) != 0);  // it has no gradients
    CHECK(infers.reconstruct(images, images) == 0);
}

static_assert(!std::is_copy_constructible_v<Network> && !std::is_move_constructible_v<Network>);  // no moved-from, empty network
static_assert(!std::is_copy_assignable_v<Autoencoder> && !std::is_move_assignable_v<Autoencoder>);

TEST_CASE("autoencoder: each has its own error, and one that is not ready keeps the reason") {
    test_gap::Autoencoder model, other, broken({.batch_size = 0});
    CHECK(std::string_view(model.error_message()).empty());
    REQUIRE(model.step({}).error != 0);
    const std::string message = model.error_message();
    REQUIRE(other.encode({}, {}) != 0);
    CHECK(model.error_message() == message);
    CHECK(other.error_message() != message);

    const std::string reason = broken.error_message();
    CHECK(reason.find("at least one image") != std::string::npos);
    CHECK(broken.step({}).error != 0);
    CHECK(broken.network().weights_changed() != 0);
    CHECK(broken.error_message() == reason);
}

TEST_CASE("network: its tensors are of each layer its kernel, then its bias, in every block") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        Network network(*description, 1, 1);
        for (const Block block : {Block::weights, Block::moments_1, Block::moments_2, Block::gradients}) {
            std::size_t tensors = 0, elements = 0, wanted = 0;
            for (std::size_t l = 0; l < description->layers.size(); l++) {
                const LayerDescription &layer = description->layers[l];
                if (block == Block::weights ? !layer.has_weights() : !layer.learns()) {
                    CHECK(network.kernel(l, block).empty());
                    CHECK(network.bias(l, block).empty());
                    continue;
                }
                for (const bool is_kernel : {true, false}) {
                    const Network::Tensor tensor = network.tensors(block)[tensors++];
                    const std::span<float> values = is_kernel ? network.kernel(l, block) : network.bias(l, block);
                    CHECK(tensor.layer == layer.name);
                    CHECK(tensor.kind == (is_kernel ? "kernel" : "bias"));
                    CHECK(tensor.values.data() == values.data());
                    std::size_t size = 1;
                    for (const std::size_t extent : tensor.shape()) size *= extent;
                    CHECK(tensor.values.size() == size);
                    CHECK(values.size() == size);
                    elements += size;
                }
                wanted += layer.parameter_count();
            }
            CHECK(network.tensors(block).size() == tensors);
            CHECK(elements == wanted);
        }
    }
}

TEST_CASE("network: layers that do not learn keep their weights, and have no moments, gradients, penalty or kept outputs") {
    const auto &layers = test_frozen::network.layers;
    Autoencoder model(test_frozen::network, {.batch_size = 8});
    std::vector<float> before(test_frozen::parameter_count), after(before.size());
    REQUIRE(model.save(before) == 0);
    const std::vector<float> images(8 * test_frozen::network.input.size(), 0.3F);
    for (int step = 0; step < 3; step++) REQUIRE(model.step(images).error == 0);
    REQUIRE(model.save(after) == 0);
    std::size_t begin = 0, learned = 0, kept = 0;
    double squares = 0;
    for (std::size_t l = 0; l < layers.size(); l++) {
        CAPTURE(layers[l].name);
        const std::size_t end = begin + layers[l].parameter_count();
        CHECK(std::equal(before.begin() + std::ptrdiff_t(begin), before.begin() + std::ptrdiff_t(end),
                         after.begin() + std::ptrdiff_t(begin)) != layers[l].learns());
        begin = end;
        if (layers[l].learns()) learned += ArenaLayout::padded(layers[l].kernel_size()) + ArenaLayout::padded(layers[l].bias_size());
        if (l >= 2) kept += ArenaLayout::padded(layers[l].output.size() * 2) * (layers[l].keeps_sums ? 2 : 1);
        for (const float weight : model.network().kernel(l)) squares += double{layers[l].l2} * double{weight} * double{weight};
    }
    CHECK(layers[0].text.find("l2=0.1") != std::string_view::npos);
    CHECK(layers[0].l2 == 0);  // as in Keras
    CHECK(model.penalty().loss == doctest::Approx(squares));
    CHECK(ArenaLayout(test_frozen::network, 8, 1).learned == learned);
    CHECK(ArenaLayout(test_frozen::network, 8, 1).activations == kept);
    CHECK_FALSE(layers[0].keeps_sums);  // its derivative is not needed
    const std::array backward{layers[2].backward_data != nullptr, layers[3].backward_data != nullptr, layers[3].backward_weights != nullptr,
                              layers[4].backward_data != nullptr, layers[4].backward_weights != nullptr};
    CHECK(backward == std::array{false, false, true, true, false});
}

/// Returns the loss of a step on random images, and the last layer's gradient.
std::vector<float> loss_and_last_gradient(const NetworkDescription &description) {
    Random random(12);
    Network network(description, 5, 1);
    set_random_weights(network, random);
    const std::vector<float> inputs = random_values(5 * description.input.size(), random),
                             targets = random_values(5 * description.output.size(), random);
    const StepResult result = network.backward(Batch::of(inputs, targets, 5));
    REQUIRE(result.error == 0);
    const std::size_t last = description.layers.size() - 1;
    REQUIRE(network.sum_gradients(last) == 0);
    std::vector<float> all{float(result.loss)};
    for (const std::span<const float> gradient : {network.kernel(last, Block::gradients), network.bias(last, Block::gradients)})
        all.insert(all.end(), gradient.begin(), gradient.end());
    return all;
}

TEST_CASE("network: the last layer learns the same whether those before it learn or not") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        if (!description->layers.back().learns()) continue;
        std::vector<LayerDescription> layers(description->layers.begin(), description->layers.end());
        NetworkDescription before = *description;
        for (LayerDescription &layer : layers) layer.l2 = 0;  // its sum would be another
        before.layers = layers;
        NetworkDescription frozen = before;
        std::vector<LayerDescription> frozen_layers = layers;
        for (LayerDescription &layer : std::span(frozen_layers).first(layers.size() - 1)) layer.trainable = false;
        for (LayerDescription &layer : frozen_layers) layer.backward_data = nullptr;
        frozen.layers = frozen_layers;
        CHECK(loss_and_last_gradient(frozen) == loss_and_last_gradient(before));
    }
}

TEST_CASE("network: dropout draws by seed and step, and only in training") {
    const std::vector<float> images(4 * test_pool::network.input.size(), 0.7F);
    const auto losses = [&](std::uint64_t seed) {
        Autoencoder model(test_pool::network, {.batch_size = 4, .optimizer = {.learning_rate = 0}, .seed = seed});
        std::vector<float> weights(test_pool::parameter_count, 0.1F);
        REQUIRE(model.load(weights) == 0);
        std::vector<double> all{model.step(images).loss, model.step(images).loss};
        std::vector<float> outputs(images.size()), again(images.size());
        REQUIRE(model.reconstruct(images, outputs) == 0);
        REQUIRE(model.step(images).error == 0);
        REQUIRE(model.reconstruct(images, again) == 0);
        CHECK(outputs == again);
        return all;
    };
    const std::vector<double> first = losses(1);
    CHECK(first == losses(1));
    CHECK(first[0] != first[1]);
    CHECK(first[0] != losses(2)[0]);
}

TEST_CASE("network: what Halide cannot count is refused at once") {
    constexpr int most = std::numeric_limits<int>::max();
    for (const Purpose purpose : {Purpose::training, Purpose::inference}) {
        const Network network(mnist_cae::network, most, most, purpose);
        CHECK_FALSE(network.is_ready());
        CHECK(std::string_view(network.error_message()).find("choose a smaller batch") != std::string_view::npos);
    }
    CHECK(ArenaLayout(mnist_cae::network, 600'000, 1).is_addressable());
    CHECK_FALSE(ArenaLayout(mnist_cae::network, 700'000, 1).is_addressable());  // 43,750 gradients of 51,648 numbers
    for (const auto &[batch, threads] : {std::pair{most, most}, {most, 1}, {0, 1}, {1, 0}, {-1, 1}}) {
        CHECK_FALSE(ArenaLayout(mnist_cae::network, batch, threads).is_addressable());
        CHECK(mnist_cae::arena_bytes(batch, threads) == std::numeric_limits<std::size_t>::max());
    }
}

/// A target that no CPU has: only AMD's had FMA4, and those lacked AVX-512.
constexpr std::string_view target_of_no_cpu = "x86-64-linux-avx512-fma4-no_runtime-sse41";

TEST_CASE("network: of pipelines for another CPU it is not ready, and says what is missing") {
    if (test_gap::network.target.find("x86") != 0) return;
    NetworkDescription description = test_gap::network;
    description.target = target_of_no_cpu;
    Autoencoder model(description);
    CHECK_FALSE(model.is_ready());
    const std::string message = model.error_message();
    CAPTURE(message);
    CHECK(message.starts_with("this CPU lacks "));
    CHECK(message.find("fma4") != std::string::npos);
    CHECK(model.step({}).error != 0);
    CHECK(model.error_message() == message);
}

TEST_CASE("arena: what holds what adds up to all of it") {
    for (const NetworkDescription *description : all_networks) {
        for (const Purpose purpose : {Purpose::training, Purpose::inference}) {
            const ArenaLayout layout(*description, 32, 2, purpose);
            const MemoryUse use = layout.memory();
            CHECK(use.weights + use.gradients + use.optimizer + use.activations == layout.bytes());
            CHECK((use.optimizer > 0) == (purpose == Purpose::training));
        }
    }
}

}  // namespace
}  // namespace castnet::test

// What Halide's runtime finds wrong comes back as an error, with its message; its own handler would end the process.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <string_view>
#include <thread>

#include "runtime/network.h"
#include "runtime/pipelines.h"
#include "tests/networks.h"

namespace castnet::test {
namespace {

/// Whether the pipeline, called with that operand in place of all its own, says why it fails.
template <typename Operands>
bool explains(Pipeline<Operands> pipeline, const Operands &operands) {
    Failure failure;
    const HalideErrors errors(failure);
    return pipeline == nullptr || (pipeline(failure, operands) != 0 && std::string_view(failure.message()) != "");
}

TEST_CASE("halide: operands of other shapes are errors of every pipeline") {
    alignas(64) const std::array<float, 64> data{};
    for (const std::initializer_list<std::size_t> extents : {std::initializer_list<std::size_t>{64}, {2, 2, 2, 5}, {1, 1, 1, 0}}) {
        const Operand o(data.data(), extents);
        for (const NetworkDescription *description : all_networks) {
            for (const LayerDescription &layer : description->layers) {
                CAPTURE(layer.text);
                CHECK(explains(layer.forward, {o, o, o, o}));
                CHECK(explains(layer.backward_data, {o, o, o, o}));
                CHECK(explains(layer.backward_weights, {o, o, o, 0, o, o}));
                CHECK(explains(layer.transpose_kernel, {o, o}));
            }
        }
    }
}

/// A pipeline that fails.
template <char name>
int fail(Failure &failure, const ForwardOperands &) {
    constexpr std::array<char, 2> message{name, '\0'};
    halide_error(&failure, message.data());
    return halide_error_code_generic_error;
}

/// The network test_gap, whose first pipeline fails.
struct BrokenDescription {
    std::array<LayerDescription, 3> layers = test_gap::layers;
    NetworkDescription network = test_gap::network;
    explicit BrokenDescription(Pipeline<ForwardOperands> pipeline) {
        layers[0].forward = pipeline;
        network.layers = layers;
    }
    BrokenDescription(const BrokenDescription &) = delete;
    BrokenDescription &operator=(const BrokenDescription &) = delete;
    ~BrokenDescription() = default;
};

int run_forward(Network &network, std::size_t images) {
    const std::vector<float> input(images * network.description().input().size());
    std::vector<float> output(images * network.description().output().size());
    return network.forward(0, network.description().layers.size(), input, output, images);
}

TEST_CASE("halide: of networks on several threads each has its own error") {
    use_threads(4);
    const BrokenDescription broken_a(fail<'a'>), broken_b(fail<'b'>);
    std::atomic<int> wrong{0};
    const auto fail_often = [&](const NetworkDescription &description, std::string_view message) {
        Network network(description, 16, 4);
        for (int time = 0; time < 1000; time++) {
            if (run_forward(network, 16) == 0 || network.error_message() != message) wrong++;
        }
    };
    std::thread other([&] { fail_often(broken_b.network, "b"); });
    fail_often(broken_a.network, "a");
    other.join();
    CHECK(wrong == 0);
    use_threads(1);
}

std::atomic<int> seen{0};  // by the program's own handler

void count(void *, const char *) {
    seen++;
}

TEST_CASE("halide: the program's own error handler gets what is not the networks'") {
    const halide_error_handler_t before = halide_set_error_handler(count);
    seen = 0;
    const BrokenDescription broken(fail<'c'>);
    Network network(test_gap::network, 1, 1), fails(broken.network, 1, 1);
    REQUIRE(run_forward(network, 1) == 0);
    CHECK(seen == 0);
    CHECK(fail<'d'>(nullptr) != 0);
    CHECK(seen == 1);

    // One that is set later replaces the networks'; then the message is there, the error is here.
    const halide_error_handler_t present = halide_set_error_handler(count);
    CHECK(run_forward(fails, 1) != 0);
    CHECK(seen == 2);
    CHECK(std::string_view(fails.error_message()).find("halide_set_error_handler") != std::string_view::npos);
    halide_set_error_handler(present == count ? before : present);
}

}  // namespace
}  // namespace castnet::test

// Checks that errors of Halide's runtime are returned with their message. Halide's own handler would end the process.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>

#include "runtime/network.h"
#include "runtime/pipelines.h"
#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

/// Returns whether the pipeline fails on these operands with a message.
template <typename Operands>
bool explains(Pipeline<Operands> pipeline, const Operands &operands) {
    Failure failure;
    return pipeline == nullptr || (pipeline(failure, operands) != 0 && std::string_view(failure.message()) != "");
}

TEST_CASE("halide: operands of other shapes are errors of every pipeline") {
    alignas(64) const std::array<float, 64> data{};
    for (const std::initializer_list<std::size_t> extents : {std::initializer_list<std::size_t>{64}, {2, 2, 2, 5}, {1, 1, 1, 0}}) {
        const Operand o(data.data(), extents);
        for (const NetworkDescription *description : all_networks) {
            for (const LayerDescription &layer : description->layers) {
                CAPTURE(layer.text);
                CHECK(explains(layer.forward, {o, o, o, o, o, o, 0, 0, 0, 1}));
                CHECK(explains(layer.backward_data, {o, o, o, o, o, o, o, 0, 0, 0, 1}));
                CHECK(explains(layer.backward_weights, {o, o, o, 0, o, o}));
                CHECK(explains(layer.fold_gradient, {o, o, 0, o}));
                CHECK(explains(layer.stretch_kernel, {o, o}));
                CHECK(explains(layer.transpose_kernel, {o, o}));
            }
        }
    }
}

/// Fails with the message `name`.
template <char name>
int fail(Failure &failure, const ForwardOperands &) {
    constexpr std::array<char, 2> message{name, '\0'};
    halide_error(&failure, message.data());
    return halide_error_code_generic_error;
}

/// The network test_gap with a failing first pipeline.
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
    const std::vector<float> input(images * network.description().input.size());
    std::vector<float> output(images * network.description().output.size());
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
            const Network beside(description, 1, 1);  // is created and destroyed meanwhile
        }
    };
    std::thread other([&] { fail_often(broken_b.network, "b"); });
    fail_often(broken_a.network, "a");
    other.join();
    CHECK(wrong == 0);
    use_threads(1);
}

// Records calls of the program's own handler, which was set before any network existed.
std::atomic<int> told{0};
std::atomic<void *> told_context{nullptr};

void remember(void *context, const char *) {
    told++;
    told_context = context;
}

const halide_error_handler_t handler_of_halide = halide_set_error_handler(remember);

/// The context of another pipeline, which fails during a network's.
int program_context = 0;

int fail_elsewhere(Failure &failure, const ForwardOperands &operands) {
    halide_error(&program_context, "not the network's");
    return test_gap::pipelines::compiled::squeeze_forward(failure, operands);
}

TEST_CASE("halide: the program's own error handler gets what is not the networks', with its context") {
    REQUIRE((handler_of_halide != nullptr));
    const BrokenDescription broken(fail<'c'>), troubled(fail_elsewhere);
    Network fails(broken.network, 1, 1), works(troubled.network, 1, 1);
    told = 0;
    CHECK(run_forward(fails, 1) != 0);
    CHECK(std::string_view(fails.error_message()) == "c");
    CHECK(told == 0);
    CHECK(run_forward(works, 1) == 0);
    CHECK(std::string_view(works.error_message()).empty());
    CHECK(told == 1);
    CHECK(told_context == &program_context);
    for (void *context : {static_cast<void *>(nullptr), std::bit_cast<void *>(std::uintptr_t{1})}) {
        halide_error(context, "of no address at all");
        CHECK(told_context == context);
    }
    CHECK(told == 3);
}

TEST_CASE("halide: a failure that is gone is no longer a context of the networks'") {
    alignas(Failure) std::array<std::byte, sizeof(Failure)> memory{};
    const Failure before, *const gone = std::construct_at(reinterpret_cast<Failure *>(memory.data()));
    const Failure after;
    std::destroy_at(gone);
    told = 0;
    halide_error(memory.data(), "the program's");
    CHECK(told == 1);
    CHECK(told_context == memory.data());
}

TEST_CASE("halide: a handler that the program sets later stays, and calls return their errors as ever") {
    const BrokenDescription broken(fail<'d'>);
    Network fails(broken.network, 1, 1);
    const halide_error_handler_t before = halide_set_error_handler(remember);
    const Network another(test_gap::network, 1, 1);
    told = 0;
    CHECK(run_forward(fails, 1) != 0);
    CHECK(told == 1);
    CHECK(std::string_view(fails.error_message()).find("halide_set_error_handler") != std::string_view::npos);
    CHECK((halide_set_error_handler(before) == remember));
    CHECK(run_forward(fails, 1) != 0);
    CHECK(std::string_view(fails.error_message()) == "d");
}

}  // namespace
}  // namespace castnet::test

// What Halide's runtime finds wrong comes back as an error, with its message; its own handler would end the process.
#include <doctest/doctest.h>

#include <array>
#include <string_view>

#include "runtime/arguments.h"
#include "runtime/network.h"
#include "tests/networks.h"

namespace castnet::test {
namespace {

TEST_CASE("halide: operands of other shapes are errors of every pipeline") {
    alignas(64) std::array<float, 64> data{};
    for (const NetworkDescription *description : all_networks) {
        Network network(*description, 1, 1);
        const std::vector<float> input(description->input().size());
        std::vector<float> output(description->output().size());
        for (const LayerDescription &layer : description->layers) {
            CAPTURE(layer.text);
            for (const Pipeline pipeline : {layer.forward, layer.backward_data, layer.backward_weights, layer.transpose_kernel}) {
                if (pipeline == nullptr) continue;
                for (const std::initializer_list<std::size_t> extents :
                     {std::initializer_list<std::size_t>{64}, {2, 2, 2, 5}, {1, 1, 1, 0}}) {
                    misuse("an earlier error");
                    REQUIRE(network.forward(0, description->layers.size(), input, output, 1) == 0);  // the next error's message counts
                    Operand operand(data.data(), extents);
                    std::array<void *, 6> arguments{};
                    arguments.fill(operand.argument());
                    CHECK(pipeline(arguments.data()) != 0);
                    CHECK(std::string_view(error_message()) != "an earlier error");
                }
            }
        }
    }
}

}  // namespace
}  // namespace castnet::test

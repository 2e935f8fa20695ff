// Runs the test cases of ONNX's and Keras's convolutions, from the table that published.py writes.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "tests/conformance/pipelines.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

/// Splits a line at " | ".
std::vector<std::string> fields_of(const std::string &line) {
    std::vector<std::string> fields;
    for (std::size_t first = 0; first <= line.size();) {
        const std::size_t last = std::min(line.find(" | ", first), line.size());
        fields.push_back(line.substr(first, last - first));
        first = last + 3;
    }
    return fields;
}

/// Returns the table's lines of one kind whose source begins with `source`.
std::vector<std::vector<std::string>> lines(const std::string &kind, const std::string &source) {
    std::vector<std::vector<std::string>> found;
    const std::string beginning = kind + " | " + source;
    std::ifstream file(CASTNET_PUBLISHED);
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(beginning)) found.push_back(fields_of(line));
    }
    return found;
}

std::vector<float> numbers(const std::string &text) {
    std::istringstream stream(text);
    return {std::istream_iterator<float>(stream), {}};
}

Guarded filled(const std::vector<int> &extents, const std::vector<float> &values) {
    Guarded operand(extents);
    REQUIRE(operand.size() == values.size());
    std::ranges::copy(values, operand.data());
    return operand;
}

/// Checks case | SOURCE | PROBLEM | INPUT | KERNEL | OUTPUT
void check_case(const std::vector<std::string> &fields) {
    const Problem problem = Problem::parse(fields.at(2));
    const auto &[height, width, channels] = problem.layer.input;
    const int filters = problem.layer.output.channels;
    Guarded input = filled({channels, width, height, problem.images}, numbers(fields.at(3)));
    Guarded kernel = filled(kernel_extents(problem.layer.description().own_geometry()), numbers(fields.at(4)));
    Guarded bias = filled({filters}, std::vector<float>(std::size_t(filters), 0));
    const Guarded output = Pipelines(problem).forward(input, kernel, bias);
    CHECK(std::vector<float>(output.data(), output.data() + output.size()) == numbers(fields.at(5)));
}

void check_source(const std::string &source) {
    const auto cases = lines("case", source);
    CHECK(!cases.empty());
    for (const auto &fields : cases) {
        CAPTURE(fields.at(1));
        CAPTURE(fields.at(2));
        check_case(fields);
    }
    MESSAGE(source, ": ", cases.size(), " cases run");
}

TEST_CASE("published: ONNX's nodes Conv and ConvTranspose") {
    check_source("ONNX");
}
TEST_CASE("published: Keras's cases of Conv2D") {
    check_source("Keras conv_test.py");
}
TEST_CASE("published: Keras's cases of Conv2DTranspose") {
    check_source("Keras conv_transpose_test.py");
}
TEST_CASE("published: Keras on every kernel, stride and padding") {
    check_source("Keras's grid");
}
TEST_CASE("published: Keras's shapes") {
    for (const auto &fields : lines("shape", "Keras")) {
        CAPTURE(fields.at(2));
        const Shape output = Problem::parse(fields.at(2)).layer.output;
        CHECK(std::to_string(output.height) + "x" + std::to_string(output.width) + "x" + std::to_string(output.channels) == fields.at(3));
    }
}
TEST_CASE("published: what is outside of the network language is refused by it") {
    const auto cases = lines("refused", "");
    CHECK(cases.size() == 13);
    for (const auto &fields : cases) {
        CAPTURE(fields.at(1));
        CHECK_THROWS_WITH_AS(Problem::parse(fields.at(2)), fields.at(3).c_str(), Error);
    }
}

}  // namespace
}  // namespace castnet::test

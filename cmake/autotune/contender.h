// A compiled pipeline from a shared library, and its operands.
#pragma once

#include <HalideRuntime.h>

#include <array>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "generators/reference.h"

namespace castnet::autotune {

/// What a pipeline must compute: the generator and its geometry.
class Contraction {
public:
    /// Parses "name=value" as the generator takes them.
    Contraction(std::string generator, std::span<const std::string> parameters);

    /// Returns the extents of the generator's operand, innermost first, images last.
    [[nodiscard]] std::vector<int> extents(const std::string &operand, int images) const;

    using Values = std::map<std::string, std::vector<float>>;
    /// Computes the outputs by name from the inputs, by the formula.
    [[nodiscard]] std::map<std::string, std::vector<double>> outputs(const Values &inputs, int images) const;

    /// Returns two operations per product, including padding, as NetworkDescription counts them.
    [[nodiscard]] double flops(int images) const;
    /// Returns the bytes of the operands, each counted once.
    [[nodiscard]] double bytes(int images) const;

private:
    [[nodiscard]] int number(const std::string &name, const std::string &otherwise = "1") const { return std::stoi(text(name, otherwise)); }
    [[nodiscard]] std::string text(const std::string &name, const std::string &otherwise) const;
    [[nodiscard]] std::map<std::string, std::vector<double>> data_outputs(const Values &inputs, int images) const;
    [[nodiscard]] std::map<std::string, std::vector<double>> weight_outputs(const Values &inputs, int images) const;
    [[nodiscard]] std::vector<float> kernel_of(const Values &inputs) const;

    std::string generator_;
    std::map<std::string, std::string> parameters_;
    Geometry geometry_;
};

/// A pipeline's operands, side by side as in the runtime's arena, on 64-byte boundaries, with guards between them.
class Operands {
public:
    /// Makes the operands that `metadata` names. Inputs are random multiples of 1/8 up to ±1, so that sums of products are exact in any
    /// order; outputs are NaN.
    Operands(const Contraction &contraction, const halide_filter_metadata_t &metadata, int images);

    [[nodiscard]] void **arguments() { return arguments_.data(); }
    [[nodiscard]] Contraction::Values values() const;
    [[nodiscard]] bool guards_intact() const;

private:
    struct Operand {
        std::string name;
        bool output = false;
        std::size_t offset = 0, size = 0;
        std::array<halide_dimension_t, 4> dimensions{};
        halide_buffer_t buffer{};
    };
    void add(const std::string &name, const std::vector<int> &extents, bool output);

    static constexpr std::size_t guard = 16;  // floats, before and after
    std::vector<std::unique_ptr<Operand>> operands_;
    std::size_t end_ = guard;
    std::shared_ptr<float> memory_;
    float decay_ = 0.5F;
    std::vector<void *> arguments_;
};

/// A compiled pipeline from a shared library. Keeps its error instead of throwing it.
class Contender {
public:
    explicit Contender(const std::string &file);

    [[nodiscard]] const halide_filter_metadata_t *metadata() const { return metadata_; }
    void call(void **arguments);
    /// Runs the pipeline once and compares its outputs with the formula.
    void check(const Contraction &contraction, int images);

    [[nodiscard]] const std::string &error() const { return error_; }
    /// Returns whether a call allocates memory or forks, which a training step must not.
    [[nodiscard]] bool allocates() const { return allocates_; }

private:
    void compare(const Operands &operands, const std::map<std::string, std::vector<double>> &expected);

    std::shared_ptr<void> library_;
    int (*function_)(void **) = nullptr;
    const halide_filter_metadata_t *metadata_ = nullptr;
    std::string error_;
    bool allocates_ = false;
};

}  // namespace castnet::autotune

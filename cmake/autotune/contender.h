// A compiled pipeline that was loaded from a shared library, with operands of its own.
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

/// What a pipeline has to compute: the generator and its geometry.
class Contraction {
public:
    /// From "name=value" as the generator takes them.
    Contraction(std::string generator, std::span<const std::string> parameters);

    /// The extents of an operand by its name in the generator, innermost first; the images last.
    [[nodiscard]] std::vector<int> extents(const std::string &operand, int images) const;

    using Values = std::map<std::string, std::vector<float>>;
    /// The outputs by their names, by the formula, from the inputs.
    [[nodiscard]] std::map<std::string, std::vector<double>> outputs(const Values &inputs, int images) const;

    /// Two for each product of an image, padding included, as NetworkDescription counts them.
    [[nodiscard]] double flops(int images) const;
    /// Of the operands, each once.
    [[nodiscard]] double bytes(int images) const;

private:
    [[nodiscard]] int number(const std::string &name, const std::string &otherwise = "1") const { return std::stoi(text(name, otherwise)); }
    [[nodiscard]] std::string text(const std::string &name, const std::string &otherwise) const;
    [[nodiscard]] bool makes_large() const { return generator_ == "spread"; }
    [[nodiscard]] std::map<std::string, std::vector<double>> data_outputs(const Values &inputs, int images) const;
    [[nodiscard]] std::map<std::string, std::vector<double>> weight_outputs(const Values &inputs, int images) const;
    [[nodiscard]] std::vector<float> kernel_of(const Values &inputs) const;

    std::string generator_;
    std::map<std::string, std::string> parameters_;
    reference::Geometry geometry_;
};

/// The operands of a pipeline, side by side as in the runtime's arena, on 64-byte boundaries, with guards between them.
class Operands {
public:
    /// Those that `metadata` names, for so many images: inputs of random multiples of 1/8 up to ±1, so that sums of products are exact
    /// whatever their order; outputs of NaN.
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

/// A compiled pipeline that was loaded from a shared library. What goes wrong with it is kept, not thrown.
class Contender {
public:
    explicit Contender(const std::string &file);

    [[nodiscard]] const halide_filter_metadata_t *metadata() const { return metadata_; }
    void call(Operands &operands);
    /// Runs it once and compares with the formula.
    void check(const Contraction &contraction, int images);

    [[nodiscard]] const std::string &error() const { return error_; }
    /// Whether a call allocates memory or forks, which a training step must not.
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

#include "cmake/autotune/contender.h"

#include <dlfcn.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <numeric>
#include <random>
#include <stdexcept>

#include "cmake/autotune/parameters.h"

namespace castnet::autotune {
namespace {

using Values = Contraction::Values;
using Outputs = std::map<std::string, std::vector<double>>;

int allocations = 0;
std::string halide_message;

void *count_and_allocate(void *, size_t bytes) {
    allocations++;
    return std::aligned_alloc(128, (bytes / 128 + 2) * 128);  // Halide reads up to a vector beyond the end
}
void release(void *, void *memory) {
    std::free(memory);
}
int count_and_loop(void *context, int (*task)(void *, int, uint8_t *), int first, int count, uint8_t *closure) {
    allocations++;
    for (int i = first; i < first + count; i++) {
        if (const int error = task(context, i, closure); error != 0) return error;
    }
    return 0;
}
void keep_message(void *, const char *message) {
    halide_message = message;
}

std::size_t product(const std::vector<int> &extents) {
    return std::accumulate(extents.begin(), extents.end(), std::size_t{1},
                           [](std::size_t all, int n) { return all * static_cast<std::size_t>(n); });
}

}  // namespace

Contraction::Contraction(std::string generator, std::span<const std::string> parameters)
    : generator_(std::move(generator)), parameters_(parse_parameters(generator_, parameters)) {
    geometry_ = {{number("large_height"), number("large_width"), number("large_channels")},
                 {number("small_height"), number("small_width"), number("small_channels")},
                 number("kernel_height"),
                 number("kernel_width"),
                 number("stride_y"),
                 number("stride_x"),
                 number("pad_y", "0"),
                 number("pad_x", "0"),
                 generator_ == "spread"};
}

std::string Contraction::text(const std::string &name, const std::string &otherwise) const {
    const auto found = parameters_.find(name);
    return found == parameters_.end() ? otherwise : found->second;
}

std::vector<int> Contraction::extents(const std::string &operand, int images) const {
    const Shape &large = geometry_.large, &small = geometry_.small;
    const int kernel_width = geometry_.kernel_width, kernel_height = geometry_.kernel_height;
    const auto grid = [images](const Shape &shape) { return std::vector<int>{shape.channels, shape.width, shape.height, images}; };
    if (operand == "large") return grid(large);
    if (operand == "small") return grid(small);
    if (operand == "output") return grid(geometry_.makes_large ? large : small);
    if (operand == "bias") return {geometry_.makes_large ? large.channels : small.channels};
    if (operand == "bias_gradient") return {text("output_grid", "small") == "large" ? large.channels : small.channels};
    if (operand == "kernel" && geometry_.makes_large) return {large.channels, small.channels, kernel_width, kernel_height};
    if (operand == "kernel" || operand == "gradient") return {small.channels, large.channels, kernel_width, kernel_height};
    throw std::invalid_argument("no operand is called " + operand);
}

/// Returns the kernel in the formula's order, (ky, kx, large channel, small channel).
std::vector<float> Contraction::kernel_of(const Values &inputs) const {
    const std::vector<float> &kernel = inputs.at("kernel");
    if (!geometry_.makes_large) return kernel;
    const auto large = static_cast<std::size_t>(geometry_.large.channels), small = static_cast<std::size_t>(geometry_.small.channels);
    std::vector<float> result(kernel.size());
    for (std::size_t i = 0; i < kernel.size(); i++) {
        const std::size_t l = i % large, s = i / large % small, tap = i / (large * small);
        result[(tap * large + l) * small + s] = kernel[i];
    }
    return result;
}

Outputs Contraction::data_outputs(const Values &inputs, int images) const {
    const Shape &to = geometry_.makes_large ? geometry_.large : geometry_.small;
    const std::vector<float> &from = inputs.at(geometry_.makes_large ? "small" : "large"), kernel = kernel_of(inputs);
    const std::size_t from_size = from.size() / static_cast<std::size_t>(images);
    const bool forward = text("pass", "forward") == "forward";
    const std::string activation = text("activation", "linear");
    std::vector<double> all;
    for (std::size_t image = 0; image < static_cast<std::size_t>(images); image++) {
        std::vector<double> sum(to.size());
        if (forward) {
            const std::vector<float> &bias = inputs.at("bias");
            for (std::size_t i = 0; i < sum.size(); i++) sum[i] = bias[i % bias.size()];
        }
        reference::for_each_product(geometry_, [&](std::size_t l, std::size_t s, std::size_t k) {
            const double value = from[image * from_size + (geometry_.makes_large ? s : l)];
            sum[geometry_.makes_large ? l : s] += value * kernel[k];
        });
        if (forward) {
            reference::activate(activation, sum, to.channels);
        } else {
            const auto output = inputs.at("output").begin() + static_cast<std::ptrdiff_t>(image * to.size());
            reference::activation_gradient(activation, sum, {output, output + static_cast<std::ptrdiff_t>(to.size())}, to.channels);
        }
        all.insert(all.end(), sum.begin(), sum.end());
    }
    return {{geometry_.makes_large ? "large" : "small", all}};
}

Outputs Contraction::weight_outputs(const Values &inputs, int images) const {
    const std::vector<float> &large = inputs.at("large"), &small = inputs.at("small");
    std::vector<double> gradient(product(extents("gradient", images))), bias(product(extents("bias_gradient", images)));
    if (const auto kernel = inputs.find("kernel"); kernel != inputs.end()) {
        for (std::size_t k = 0; k < gradient.size(); k++) gradient[k] = static_cast<double>(inputs.at("decay").front()) * kernel->second[k];
    }
    for (std::size_t image = 0; image < static_cast<std::size_t>(images); image++) {
        reference::for_each_product(geometry_, [&](std::size_t l, std::size_t s, std::size_t k) {
            gradient[k] += static_cast<double>(large[image * geometry_.large.size() + l]) * small[image * geometry_.small.size() + s];
        });
    }
    const std::vector<float> &grid = text("output_grid", "small") == "large" ? large : small;
    for (std::size_t i = 0; i < grid.size(); i++) bias[i % bias.size()] += grid[i];
    return {{"gradient", gradient}, {"bias_gradient", bias}};
}

Outputs Contraction::outputs(const Values &inputs, int images) const {
    return generator_ == "kernel_gradient" ? weight_outputs(inputs, images) : data_outputs(inputs, images);
}

double Contraction::flops(int images) const {
    return 2.0 * static_cast<double>(geometry_.small.size()) * geometry_.large.channels * geometry_.kernel_height * geometry_.kernel_width *
           images;
}

double Contraction::bytes(int images) const {
    std::vector<std::string> operands{"large", "small", "kernel"};
    if (text("pass", "forward") == "backward_data") operands.emplace_back("output");
    double floats = 0;
    for (const std::string &operand : operands) floats += static_cast<double>(product(extents(operand, images)));
    return sizeof(float) * floats;
}

void Operands::add(const std::string &name, const std::vector<int> &extents, bool output) {
    auto operand = std::make_unique<Operand>(Operand{.name = name, .output = output, .offset = end_, .size = product(extents)});
    int stride = 1;
    for (const int extent : extents) {
        operand->dimensions.at(static_cast<std::size_t>(operand->buffer.dimensions++)) = {0, extent, stride};
        stride *= extent;
    }
    operand->buffer.type = halide_type_of<float>();
    operand->buffer.dim = operand->dimensions.data();
    end_ += (operand->size + 2 * guard - 1) / guard * guard;
    arguments_.push_back(&operand->buffer);
    operands_.push_back(std::move(operand));
}

Operands::Operands(const Contraction &contraction, const halide_filter_metadata_t &metadata, int images) {
    for (int i = 0; i < metadata.num_arguments; i++) {
        const halide_filter_argument_t &argument = metadata.arguments[i];
        if (argument.kind == halide_argument_kind_input_scalar) {
            arguments_.push_back(&decay_);
        } else {
            add(argument.name, contraction.extents(argument.name, images), argument.kind == halide_argument_kind_output_buffer);
        }
    }
    constexpr std::align_val_t page{4096};  // so that every run has the same addresses within pages
    memory_ = {static_cast<float *>(::operator new(end_ * sizeof(float), page)), [](float *memory) { ::operator delete(memory, page); }};
    std::fill_n(memory_.get(), end_, std::numeric_limits<float>::quiet_NaN());
    std::minstd_rand random(1);
    for (const auto &operand : operands_) {
        float *begin = memory_.get() + operand->offset;
        operand->buffer.host = reinterpret_cast<uint8_t *>(begin);
        if (!operand->output)
            std::generate_n(begin, operand->size, [&] { return static_cast<float>(static_cast<int>(random() % 17) - 8) / 8; });
    }
}

Values Operands::values() const {
    Values values{{"decay", {decay_}}};
    for (const auto &operand : operands_) {
        const float *begin = memory_.get() + operand->offset;
        values[operand->name] = {begin, begin + operand->size};
    }
    return values;
}

bool Operands::guards_intact() const {
    const auto intact = [](float value) { return std::isnan(value); };
    const float *begin = memory_.get();
    std::size_t end_of_last = 0;
    for (const auto &operand : operands_) {
        if (!std::all_of(begin + end_of_last, begin + operand->offset, intact)) return false;
        end_of_last = operand->offset + operand->size;
    }
    return std::all_of(begin + end_of_last, begin + end_, intact);
}

Contender::Contender(const std::string &file) {
    halide_set_custom_malloc(count_and_allocate);
    halide_set_custom_free(release);
    halide_set_custom_do_par_for(count_and_loop);
    halide_set_error_handler(keep_message);
    library_ = {dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL), [](void *library) {
                    if (library != nullptr) dlclose(library);
                }};
    if (library_ == nullptr) {
        error_ = std::string("cannot be loaded: ") + dlerror();
        return;
    }
    function_ = reinterpret_cast<int (*)(void **)>(dlsym(library_.get(), "contender_argv"));
    const auto metadata = reinterpret_cast<const halide_filter_metadata_t *(*)()>(dlsym(library_.get(), "contender_metadata"));
    if (function_ == nullptr || metadata == nullptr) {
        error_ = "holds no pipeline called contender";
        return;
    }
    metadata_ = metadata();
}

void Contender::call(void **arguments) {
    if (function_(arguments) != 0) error_ = "fails: " + halide_message;
}

void Contender::check(const Contraction &contraction, int images) {
    if (!error_.empty()) return;
    Operands operands(contraction, *metadata_, images);
    allocations = 0;
    call(operands.arguments());
    allocates_ = allocations > 0;
    if (error_.empty()) compare(operands, contraction.outputs(operands.values(), images));
}

void Contender::compare(const Operands &operands, const Outputs &expected) {
    if (!operands.guards_intact()) error_ = "writes beyond its outputs";
    const Values values = operands.values();
    for (const auto &[name, wanted] : expected) {
        const std::vector<float> &got = values.at(name);
        for (std::size_t i = 0; i < got.size() && error_.empty(); i++) {
            // Linear epilogues are exact; the rest is rounded a few times, relative to terms of about 1.
            if (!(std::abs(got[i] - wanted[i]) <= 1e-5 * (1 + std::abs(wanted[i])))) {
                error_ =
                    "is wrong: " + name + "[" + std::to_string(i) + "] is " + std::to_string(got[i]) + ", not " + std::to_string(wanted[i]);
            }
        }
    }
}

}  // namespace castnet::autotune

// Checks that after construction a step allocates nothing: neither through operator new nor through Halide's runtime.
#include <HalideRuntime.h>
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <tuple>

#include "runtime/optimizer.h"
#include "runtime/parallel.h"
#include "runtime/random.h"
#include "test_large.h"
#include "tests/runtime/networks.h"

namespace {

std::atomic<int> allocations{0};

void *counted(std::size_t size, std::size_t alignment) {
    allocations++;
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void *counted_or_throw(std::size_t size, std::size_t alignment) {
    if (void *memory = counted(size, alignment)) return memory;
    throw std::bad_alloc();
}

}  // namespace

// Replaces these functions in the whole test executable.
void *operator new(std::size_t size) {
    return counted_or_throw(size, alignof(std::max_align_t));
}
void *operator new(std::size_t size, std::align_val_t alignment) {
    return counted_or_throw(size, std::size_t(alignment));
}
void *operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept {
    return counted(size, std::size_t(alignment));
}
void operator delete(void *memory) noexcept {
    std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void *memory, std::align_val_t) noexcept {
    std::free(memory);
}
void operator delete(void *memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace castnet::test {
namespace {

TEST_CASE("network: a step allocates nothing") {
    const halide_malloc_t count = [](void *, std::size_t size) { return counted(size, 128); };
    const halide_free_t release = [](void *, void *memory) { std::free(memory); };
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        use_threads(2);
        Random random(1);
        Network network(*description, 32, 2);
        set_random_weights(network, random);
        Optimizer adam = Optimizer::adam(), sgd = Optimizer::sgd(0.9F);
        sgd.clip_norm = 1e-3F;
        const std::vector<float> inputs = random_values(32 * description->input.size(), random);
        const std::vector<float> targets = random_values(32 * description->output.size(), random);
        std::vector<float> outputs(targets.size()), losses(32);
        REQUIRE(network.backward(Batch::of(inputs, targets, 32)).error == 0);  // starts the thread pool
        const halide_malloc_t previous_malloc = halide_set_custom_malloc(count);
        const halide_free_t previous_free = halide_set_custom_free(release);
        for (const int images : {32, 1, 17}) {
            allocations = 0;
            const bool failed = adam.step(network, Batch::of(inputs, targets, images)).error != 0 ||
                                sgd.step(network, Batch::of(inputs, targets, images)).error != 0 ||
                                network.forward(0, description->layers.size(), inputs, outputs, images) != 0 ||
                                network.losses(inputs, targets, std::span(losses).first(std::size_t(images))) != 0;
            const int seen = allocations;
            CHECK(!failed);
            CHECK(seen == 0);
        }
        halide_set_custom_malloc(previous_malloc);
        halide_set_custom_free(previous_free);
    }
    use_threads(1);
}

// Counts the buffers for pipelines' copies, in a network whose copies are above a megabyte.
std::atomic<int> scratch_buffers{0}, live_buffers{0};
std::atomic<std::size_t> smallest_buffer{0};

void *scratch_memory(void *, std::size_t size) {
    scratch_buffers++;
    live_buffers++;
    for (std::size_t seen = smallest_buffer; size < seen && !smallest_buffer.compare_exchange_weak(seen, size);) {
    }
    return counted(size, 128);
}

void give_back(void *, void *memory) {
    live_buffers--;
    std::free(memory);
}

void *no_memory(void *, std::size_t) {
    return nullptr;
}

TEST_CASE("network: takes copies above a megabyte from halide_malloc, gives them back, and says when there is no memory") {
    use_threads(2);
    Random random(1);
    test_large::Autoencoder model({.batch_size = 4, .threads = 2});
    const std::vector<float> images = random_values(4 * test_large::input.size(), random);
    std::vector<float> outputs(images.size());
    REQUIRE(model.step(images).error == 0);  // starts the thread pool

    const halide_malloc_t previous_malloc = halide_set_custom_malloc(scratch_memory);
    const halide_free_t previous_free = halide_set_custom_free(give_back);
    scratch_buffers = 0;
    smallest_buffer = std::size_t{1} << 40U;
    allocations = 0;
    const bool failed = model.step(images).error != 0 || model.reconstruct(images, outputs) != 0;
    const int seen = allocations;
    halide_set_custom_malloc(no_memory);
    const StepResult starved = model.step(images);
    const std::string message = model.error_message();
    const int starved_forward = model.reconstruct(images, outputs);
    halide_set_custom_malloc(previous_malloc);
    halide_set_custom_free(previous_free);

    CHECK(!failed);
    CHECK(seen == scratch_buffers);  // no other allocations
    CHECK(scratch_buffers > 0);
    CHECK(live_buffers == 0);
    CHECK(smallest_buffer > std::size_t{1} << 20U);
    CHECK(starved.error != 0);
    CHECK(starved_forward != 0);
    CHECK(message.find("emory") != std::string::npos);
    CHECK(model.step(images).error == 0);  // works again
    use_threads(1);
}

TEST_CASE("network: lives in the caller's arena, and in nothing less") {
    constexpr std::size_t bytes = test_gap::arena_bytes(32, 2);
    alignas(ArenaLayout::alignment) static std::array<std::byte, bytes + 64> memory;
    const std::span<std::byte> arena = std::span(memory).first(bytes);
    memory.fill(std::byte{0x5a});
    Random random(1);
    allocations = 0;
    const test_gap::Autoencoder model({.batch_size = 32, .threads = 2}, arena);
    const int seen = allocations;
    CHECK(model.is_ready());
    CHECK(seen == 0);
    Network network(test_gap::network, 32, 2, Purpose::training, arena);
    set_random_weights(network, random);
    const std::vector<float> images = random_values(32 * test_gap::input.size(), random);
    Optimizer adam;
    REQUIRE(adam.step(network, Batch::of(images, images, 32)).error == 0);
    for (std::size_t i = bytes; i < memory.size(); i++) REQUIRE(memory[i] == std::byte{0x5a});

    const std::vector<float> none;
    std::vector<float> outputs;
    for (const auto &[batch, threads, refused] : {std::tuple{32, 2, arena.first(bytes - 1)},
                                                  {32, 2, std::span(memory).subspan(4, bytes)},
                                                  {0, 1, std::span<std::byte>{}},
                                                  {1, 0, std::span<std::byte>{}}}) {
        Network broken(test_gap::network, batch, threads, Purpose::training, refused);
        CHECK_FALSE(broken.is_ready());
        CHECK(broken.kernel(0).empty());
        CHECK(broken.weights_changed() != 0);
        CHECK(broken.sum_gradients(0) != 0);
        CHECK(broken.forward(0, 3, none, outputs, 1) != 0);
        CHECK(adam.step(broken, Batch::of(images, images, 1)).error != 0);
        CHECK(std::string_view(broken.error_message()) != "");
    }
}

TEST_CASE("network: for inference it needs less, gives the same outputs, and refuses to train") {
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        CHECK(ArenaLayout(*description, 8, 2, Purpose::inference).bytes() < ArenaLayout(*description, 8, 2).bytes());
        const std::size_t layers = description->layers.size();
        Random random(1), again(1);
        Network training(*description, 8, 2), inference(*description, 8, 2, Purpose::inference);
        set_random_weights(training, random);
        set_random_weights(inference, again);
        const std::vector<float> inputs = random_values(11 * description->input.size(), random);
        std::vector<float> outputs(11 * description->output.size()), same(outputs.size());
        REQUIRE(training.forward(0, layers, inputs, outputs, 11) == 0);
        REQUIRE(inference.forward(0, layers, inputs, same, 11) == 0);
        CHECK(outputs == same);
        const StepResult refused = inference.backward(Batch::of(inputs, outputs, 8));
        CHECK(refused.error != 0);
        CHECK(refused.loss == 0);  // and did not read beyond the smaller arena
    }
}

}  // namespace
}  // namespace castnet::test

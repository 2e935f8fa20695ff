// Tests processes that train one network together, each a thread here.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstdlib>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/ranks.h"
#include "tests/runtime/networks.h"

namespace castnet::test {
namespace {

/// The ranks of several threads, which see each other's memory.
class ThreadRanks {
public:
    explicit ThreadRanks(int count) : parts_(static_cast<std::size_t>(count)), barrier_(count) {
        for (int rank = 0; rank < count; rank++) ranks_.push_back(std::make_unique<Rank>(*this, Place{rank, count}));
    }

    [[nodiscard]] Ranks &operator[](int rank) { return *ranks_[static_cast<std::size_t>(rank)]; }
    /// Lets all calls fail from now on.
    void hang_up() { is_down_ = true; }
    /// Calls body(rank) on a thread for each, and waits for all.
    void run(const std::function<void(int)> &body) {
        std::vector<std::thread> threads;
        threads.reserve(ranks_.size());
        for (int rank = 0; rank < static_cast<int>(ranks_.size()); rank++) threads.emplace_back([&body, rank] { body(rank); });
        for (std::thread &thread : threads) thread.join();
    }
    [[nodiscard]] std::size_t floats_sent() const { return floats_sent_; }

private:
    struct Part {
        const float *values;
        const int *counts;
    };
    class Rank : public Ranks {
    public:
        Rank(ThreadRanks &all, Place place) : all_(all), place_(place) {}
        [[nodiscard]] Place place() const override { return place_; }
        int exchange(std::span<const float> sent, std::span<const int> sent_counts, std::span<float> received,
                     std::span<const int> received_counts) noexcept override {
            if (all_.is_down_) return 1;
            all_.parts_[own()] = {sent.data(), sent_counts.data()};
            all_.barrier_.arrive_and_wait();
            float *to = received.data();
            for (std::size_t from = 0; from < all_.parts_.size(); from++) {
                const Part &part = all_.parts_[from];
                const float *values = part.values;
                for (std::size_t before = 0; before < own(); before++) values += part.counts[before];
                if (part.counts[own()] != received_counts[from]) std::abort();  // they disagree on what they tell each other
                to = std::copy_n(values, received_counts[from], to);
                if (from != own()) all_.floats_sent_ += static_cast<std::size_t>(received_counts[from]);
            }
            if (to > received.data() + received.size()) std::abort();
            all_.barrier_.arrive_and_wait();
            return 0;
        }
        int gather(std::span<float> values, std::span<const int> counts) noexcept override {
            if (all_.is_down_) return 1;
            all_.parts_[own()] = {values.data(), counts.data()};
            all_.barrier_.arrive_and_wait();
            std::size_t begin = 0;
            for (std::size_t from = 0; from < counts.size(); from++) {
                const auto count = static_cast<std::size_t>(counts[from]);
                if (from != own()) {
                    std::copy_n(all_.parts_[from].values + begin, count, values.data() + begin);
                    all_.floats_sent_ += count;
                }
                begin += count;
            }
            if (begin != values.size()) std::abort();
            all_.barrier_.arrive_and_wait();
            return 0;
        }

    private:
        [[nodiscard]] std::size_t own() const { return static_cast<std::size_t>(place_.rank); }
        ThreadRanks &all_;
        Place place_;
    };

    std::vector<Part> parts_;
    std::barrier<> barrier_;
    std::vector<std::unique_ptr<Rank>> ranks_;
    std::atomic<std::size_t> floats_sent_{0};
    std::atomic<bool> is_down_{false};
};

/// All that training makes: losses, weights and moments.
struct Trained {
    std::vector<double> losses;
    std::vector<float> values;

    bool operator==(const Trained &) const = default;
};

/// Takes a few steps on batches of many sizes, the last one of one image, each process on its own images of them.
Trained train(const NetworkDescription &description, const Optimizer &optimizer, Ranks *ranks) {
    Random random(11);
    Autoencoder model(description, {.batch_size = 67, .threads = 1, .optimizer = optimizer, .seed = 3, .ranks = ranks});
    REQUIRE(model.is_ready());
    const std::size_t images = 67;
    std::vector<float> inputs = random_values(images * description.input.size(), random),
                       targets = random_values(images * description.output.size(), random);
    const Examples examples{.images = {inputs.data(), description.input.size()}, .targets = {targets.data(), description.output.size()}};
    std::vector<std::uint32_t> indices(images);
    for (std::size_t i = 0; i < images; i++) indices[i] = static_cast<std::uint32_t>((i * 5) % images);
    Trained trained;
    std::size_t step = 0;
    Batch batch;
    model.train([&](const StepResult *last) -> const Batch * {
        static constexpr std::array<std::size_t, 6> sizes{67, 32, 31, 7, 64, 1};
        if (last != nullptr) {
            trained.losses.push_back(last->error == 0 ? last->loss : -1);
            if (last->error != 0) return nullptr;
        }
        if (step == sizes.size()) return nullptr;
        batch = Batch::of(examples, std::span(indices).first(sizes.at(step++)));
        return &batch;
    });
    Network &network = model.network();
    REQUIRE(network.gather_moments() == 0);
    for (const Network::Tensor &tensor : network.tensors())
        trained.values.insert(trained.values.end(), tensor.values.begin(), tensor.values.end());
    for (const Block moments : network.moments()) {
        for (const Network::Tensor &tensor : network.tensors(moments))
            trained.values.insert(trained.values.end(), tensor.values.begin(), tensor.values.end());
    }
    return trained;
}

TEST_CASE("ranks: any number of processes trains to the same bits") {
    Optimizer clipped = Optimizer::adamw();
    clipped.clip_norm = 0.01F;
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        const auto check = [&](const Optimizer &optimizer, std::initializer_list<int> counts) {
            const Trained alone = train(*description, optimizer, nullptr);
            REQUIRE(std::ranges::min(alone.losses) >= 0);
            for (const int count : counts) {
                CAPTURE(count);
                ThreadRanks ranks(count);
                std::vector<Trained> all(static_cast<std::size_t>(count));
                ranks.run([&](int rank) { all[static_cast<std::size_t>(rank)] = train(*description, optimizer, &ranks[rank]); });
                for (const Trained &trained : all) CHECK(trained == alone);
            }
        };
        check(clipped, {3});
#ifndef CASTNET_EMULATED  // a rank is a thread, and one core emulates them all
        check(Optimizer::adam(), {1, 2, 5, 17});
        check(Optimizer::sgd(0.9F, true), {2});
        check(Optimizer::sgd(), {2});
#endif
    }
}

TEST_CASE("ranks: a step moves about twice the parameters to and from each process") {
    for (const int count : {2, 4, 8, 16}) {
        ThreadRanks ranks(count);
        ranks.run([&](int rank) {
            mnist_cae::Autoencoder model({.batch_size = 32, .ranks = &ranks[rank]});
            const std::vector<float> images(32 * mnist_cae::input.size(), 0.5F);
            REQUIRE(model.step(images).error == 0);
        });
        const double parameters = static_cast<double>(mnist_cae::parameter_count) * count;
        CHECK(static_cast<double>(ranks.floats_sent()) < 2.05 * parameters);
    }
}

TEST_CASE("ranks: what one wishes all hear in the same step") {
    ThreadRanks ranks(3);
    std::vector<std::uint32_t> heard(3);
    ranks.run([&](int rank) {
        test_odd::Autoencoder model({.batch_size = 4, .ranks = &ranks[rank]});
        const std::vector<float> images(4 * test_odd::input.size(), 0.5F);
        Batch batch = Batch::of(images, images, 4);
        batch.wishes = rank == 0 ? 0 : 1U << static_cast<unsigned>(rank);
        heard[static_cast<std::size_t>(rank)] = model.optimizer().step(model.network(), batch).wishes;
    });
    CHECK(heard == std::vector<std::uint32_t>{6, 6, 6});
}

TEST_CASE("ranks: a process that fails fails all, and so does a connection that is lost") {
    ThreadRanks ranks(3);
    std::vector<std::string> messages(3);
    ranks.run([&](int rank) {
        NetworkDescription description = test_odd::network;
        if (rank == 1) {  // its loss fails
            description.loss_gradient = [](Failure &failure, const LossOperands &) { return failure.keep("no room for a copy"); };
        }
        Autoencoder model(description, {.batch_size = 4, .ranks = &ranks[rank]});
        const std::vector<float> images(4 * test_odd::input.size(), 0.5F);
        const std::vector<float> targets(4 * test_odd::output.size(), 0.5F);
        if (model.step(images, targets).error != 0) messages[static_cast<std::size_t>(rank)] = model.error_message();
    });
    CHECK(messages ==
          std::vector<std::string>{"another process failed, and says why", "no room for a copy", "another process failed, and says why"});

    ranks.hang_up();
    test_odd::Autoencoder model({.batch_size = 4, .ranks = &ranks[0]});
    const std::vector<float> images(4 * test_odd::input.size(), 0.5F), targets(4 * test_odd::output.size(), 0.5F);
    CHECK(model.step(images, targets).error != 0);
    CHECK(std::string(model.error_message()) == "the processes that train together no longer hear each other");
    CHECK(model.network().gather_moments() != 0);
}

}  // namespace
}  // namespace castnet::test

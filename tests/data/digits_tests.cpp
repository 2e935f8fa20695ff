// Trains the default network on the real digits.
#include <doctest/doctest.h>

#include <cstdlib>

#include "mnist_cae.h"
#include "runtime/parallel.h"
#include "runtime/random.h"
#include "train/data/dataset.h"

namespace castnet::test {
namespace {

TEST_CASE("training: the loss falls on the real digits, when CASTNET_DATA has them") {
    const char *folder = std::getenv("CASTNET_DATA");
    if (folder == nullptr || *folder == '\0') {
        MESSAGE("CASTNET_DATA is not set: no real images to train on");
        return;
    }
    use_threads(2);
    const Dataset data = load_dataset(folder, Part::train, mnist_cae::input, {1, 5, 6});
    mnist_cae::Autoencoder model({.threads = 2});
    Random random(0);
    const auto mean_loss = [&](int steps) {
        double sum = 0;
        for (int step = 0; step < steps; step++) {
            std::vector<std::uint32_t> indices(32);
            for (std::uint32_t &index : indices) index = random.below(std::uint32_t(data.size()));
            const StepResult result = model.step(data.gather(indices));
            REQUIRE(result.error == 0);
            sum += result.loss;
        }
        return sum / steps;
    };
    CHECK(mean_loss(566) < 0.05);
    CHECK(mean_loss(566) < 0.036);
    use_threads(1);
}

}  // namespace
}  // namespace castnet::test

// A network's weights as files.
#include "runtime/model_file.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "runtime/error.h"
#include "tests/networks.h"
#include "tests/temporary.h"

namespace castnet::test {
namespace {

std::string reason(Network &network, const std::filesystem::path &path) {
    try {
        load_model(network, path);
    } catch (const Error &error) {
        return error.what();
    }
    return "none";
}

TEST_CASE("model file: weights come back to the bit, for every network") {
    const TemporaryFolder folder;
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        Random random(3);
        Network network(*description, 4, 1), other(*description, 4, 1, Purpose::inference);
        set_random_weights(network, random);
        save_model(network, folder.path() / "m.safetensors");
        load_model(other, folder.path() / "m.safetensors");
        const TensorFile before = weights_of(network), after = weights_of(other);
        for (const Tensor &tensor : before.tensors) CHECK(after.find(tensor.name)->values == tensor.values);
        save_model(other, folder.path() / "again.safetensors");
        CHECK(read_plain(folder.path() / "m.safetensors") == read_plain(folder.path() / "again.safetensors"));
    }
}

TEST_CASE("model file: a model that this build computes differently is refused, and the weights stay") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "m.safetensors", changed = folder.path() / "changed.safetensors";
    Random random(4);
    Network network(test_gap::network, 4, 1), other(test_gap::network, 4, 1);
    set_random_weights(network, random);
    set_random_weights(other, random);
    save_model(network, path);
    const TensorFile model = read_safetensors(path), before = weights_of(other);
    const auto refused_with = [&](const auto &change) {
        TensorFile file = model;
        change(file);
        write_safetensors(changed, file);
        std::string why = reason(other, changed);
        for (const Tensor &tensor : weights_of(other).tensors) CHECK(before.find(tensor.name)->values == tensor.values);
        return why;
    };
    const auto tensor = [](TensorFile &file, const std::string &name) { return std::ranges::find(file.tensors, name, &Tensor::name); };
    CHECK(refused_with([&](TensorFile &file) {
              tensor(file, "self_test/output")->values[7] += 0.01F;
          }).find("does not pass its self-test") != std::string::npos);
    CHECK(refused_with([&](TensorFile &file) {
              for (float &value : tensor(file, "stretch/kernel")->values) value = -value;
          }).find("does not pass its self-test") != std::string::npos);
    CHECK(refused_with([&](TensorFile &file) {
              file.tensors.erase(tensor(file, "self_test/input"));
          }).find("holds a self-test that is not") != std::string::npos);
    CHECK(refused_with([&](TensorFile &file) {
              tensor(file, "self_test/input")->shape = {1, 10, 12, 1};
          }).find("holds a self-test that is not") != std::string::npos);

    // A file of another program has none.
    TensorFile plain = model;
    std::erase_if(plain.tensors, [](const Tensor &each) { return each.name.starts_with("self_test/"); });
    plain.metadata.clear();
    write_safetensors(changed, plain);
    CHECK(reason(other, changed) == "none");
    for (const Tensor &each : plain.tensors) CHECK(weights_of(other).find(each.name)->values == each.values);
}

TEST_CASE("checkpoint: one that is cut anywhere, or has any bit flipped, is refused") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "c.safetensors";
    Network network(test_one::network, 4, 1);
    Adam adam;
    TrainingState state;
    state.options = {{"epochs", "3"}};
    save_checkpoint(network, adam, state, path);
    const std::string bytes = read_plain(path);
    const auto check_refused = [&](const std::string &damaged) {
        write_plain(path, damaged);
        CHECK_THROWS_AS(load_checkpoint(network, adam, path), Error);
    };
    for (std::size_t size = 0; size < bytes.size(); size++) check_refused(bytes.substr(0, size));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); bit++) {
        CAPTURE(bit);
        std::string flipped = bytes;
        flipped[bit / 8] = char(static_cast<unsigned char>(flipped[bit / 8]) ^ 1U << bit % 8);
        check_refused(flipped);
    }
    write_plain(path, bytes);
    CHECK(load_checkpoint(network, adam, path).options == state.options);
}

TEST_CASE("checkpoint: best weights that are not the network's are refused before anything is set") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "c.safetensors";
    Random random(5);
    Network network(test_gap::network, 4, 1), other(test_gap::network, 4, 1);
    set_random_weights(network, random);
    const TensorFile before = weights_of(other);
    Adam adam;
    const auto refused = [&](const auto &change) {
        TrainingState state;
        state.best_weights = weights_of(network);
        change(state.best_weights.tensors);
        save_checkpoint(network, adam, state, path);
        CHECK_THROWS_AS(read_state(test_gap::network, path), Error);
        CHECK_THROWS_AS(load_checkpoint(other, adam, path), Error);
        for (const Tensor &tensor : weights_of(other).tensors) CHECK(before.find(tensor.name)->values == tensor.values);
    };
    refused([](std::vector<Tensor> &best) { best.pop_back(); });
    refused([](std::vector<Tensor> &best) { best[0] = {best[0].name, {2}, {1, 2}}; });
    refused([](std::vector<Tensor> &best) { best.push_back({"more", {1}, {1}}); });
}

TEST_CASE("model file: all of a checkpoint's numbers come back, and no negative one is taken") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "c.safetensors";
    Random random(5);
    Network network(test_gap::network, 4, 1);
    set_random_weights(network, random);
    Adam adam{.steps = 9};
    const TrainingState state{.epoch = 3,
                              .image = 7,
                              .weighted_loss = 1.5,
                              .shuffle = 11,
                              .best_epoch = 2,
                              .best_loss = 0.1,
                              .best_weights = weights_of(network),
                              .options = {{"seed", "4"}}};
    save_checkpoint(network, adam, state, path);
    adam.steps = 0;
    const TrainingState read = load_checkpoint(network, adam, path);
    CHECK(adam.steps == 9);
    CHECK(read.epoch == state.epoch);
    CHECK(read.image == state.image);
    CHECK(read.weighted_loss == state.weighted_loss);
    CHECK(read.shuffle == state.shuffle);
    CHECK(read.best_epoch == state.best_epoch);
    CHECK(read.best_loss == state.best_loss);
    CHECK(read.options == state.options);
    for (const Tensor &tensor : state.best_weights.tensors) CHECK(read.best_weights.find(tensor.name)->values == tensor.values);

    const TensorFile sound = read_safetensors(path);
    for (const std::string key : {"step", "epoch", "image", "weighted_loss", "shuffle", "best_epoch", "best_loss"}) {
        CAPTURE(key);
        TensorFile negative = sound;
        negative.metadata[key] = "-1";
        write_safetensors(path, negative);
        CHECK_THROWS_AS(load_checkpoint(network, adam, path), Error);
    }
}

}  // namespace
}  // namespace castnet::test

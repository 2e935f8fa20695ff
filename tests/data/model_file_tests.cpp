// Tests files of a network's weights.
#include "train/files/model_file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <string_view>

#include "tests/conformance/layer.h"
#include "tests/runtime/networks.h"
#include "tests/temporary.h"
#include "train/files/architecture.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

/// Returns the message of the Error that action() throws, or "none".
template <typename Action>
std::string reason_of(const Action &action) {
    try {
        action();
    } catch (const Error &error) {
        return error.what();
    }
    return "none";
}

std::string reason(Autoencoder &model, const std::filesystem::path &path) {
    return reason_of([&] { load_model(model, path); });
}

/// test_gap with a changed description. Tells why test_gap refuses to resume its checkpoint, or to load its weights.
class Changed {
public:
    std::vector<LayerDescription> layers{test_gap::layers.begin(), test_gap::layers.end()};
    NetworkDescription network = test_gap::network;

    /// Writes something else into a layer's canonical text, as the compiler does for another layer.
    void replace(std::size_t layer, const std::string &old, const std::string &other) {
        std::string &text = texts_.emplace_back(layers[layer].canonical);
        REQUIRE(text.find(old) != std::string::npos);
        text.replace(text.find(old), old.size(), other);
        layers[layer].canonical = text;
    }
    void save() {
        network.layers = layers;
        Autoencoder changed(network, {.batch_size = 4});
        save_checkpoint(changed, {}, path());
    }
    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "c.safetensors"; }
    [[nodiscard]] std::string resume_reason() {
        std::string why = reason_of([&] { (void)load_checkpoint(own_, path()); });
        CHECK(reason_of([&] { (void)read_state(test_gap::network, path()); }) == why);
        return why;
    }
    [[nodiscard]] std::string weights_reason() { return reason(own_, path()); }

private:
    std::deque<std::string> texts_;
    TemporaryFolder folder_;
    Autoencoder own_{test_gap::network, {.batch_size = 4}};
};

bool contains(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("model file: weights come back to the bit, for every network") {
    const TemporaryFolder folder;
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        Random random(3);
        Autoencoder model(*description, {.batch_size = 4}), other(*description, {.batch_size = 4, .purpose = Purpose::inference});
        set_random_weights(model.network(), random);
        save_model(model, folder.path() / "m.safetensors");
        load_model(other, folder.path() / "m.safetensors");
        const TensorFile before = weights_of(model), after = weights_of(other);
        for (const Tensor &tensor : before.tensors) CHECK(after.find(tensor.name)->values == tensor.values);
        save_model(other, folder.path() / "again.safetensors");
        CHECK(read_plain(folder.path() / "m.safetensors") == read_plain(folder.path() / "again.safetensors"));
    }
}

TEST_CASE("model file: a model that this build computes differently is refused, and the weights stay") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "m.safetensors", changed = folder.path() / "changed.safetensors";
    Random random(4);
    Autoencoder model(test_gap::network, {.batch_size = 4}), other(test_gap::network, {.batch_size = 4});
    set_random_weights(model.network(), random);
    set_random_weights(other.network(), random);
    save_model(model, path);
    const TensorFile written = read_safetensors(path), before = weights_of(other);
    const auto refused_with = [&](const auto &change) {
        TensorFile file = written;
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

    // A file of another program has no self-test.
    TensorFile plain = written;
    std::erase_if(plain.tensors, [](const Tensor &each) { return each.name.starts_with("self_test/"); });
    plain.metadata.clear();
    write_safetensors(changed, plain);
    CHECK(reason(other, changed) == "none");
    for (const Tensor &each : plain.tensors) CHECK(weights_of(other).find(each.name)->values == each.values);
}

TEST_CASE("model file: layers are written out in full, in the network language") {
    CHECK(architecture_of(test_odd::network).at("layers") ==
          "conv2d filters=33 kernel=3x5 stride=2x3 padding=same activation=relu l2=0 name=conv2d\n"
          "conv2d filters=5 kernel=2x2 stride=1x1 padding=valid activation=tanh l2=0.001 name=conv2d_1\n"
          "conv2d_transpose filters=7 kernel=2x2 stride=1x1 padding=valid activation=leaky_relu l2=0 name=conv2d_transpose\n"
          "conv2d_transpose filters=2 kernel=9x9 stride=1x2 padding=valid activation=linear l2=0.01 name=conv2d_transpose_1");
    for (const NetworkDescription *description : all_networks) {
        CAPTURE(description->name);
        std::istringstream lines(architecture_of(*description).at("layers"));
        for (const LayerDescription &layer : description->layers) {
            CAPTURE(layer.text);
            std::string line;
            REQUIRE(std::getline(lines, line));
            const Layer read = read_layer(line.substr(0, line.find(" from=")), layer.input);  // what a reshape has made is written last
            const LayerDescription full = read.description();
            CHECK(full.output == layer.output);
            CHECK(full.kernel_shape() == layer.kernel_shape());
            CHECK(std::pair(full.stride_y, full.stride_x) == std::pair(layer.stride_y, layer.stride_x));
            CHECK(std::pair(full.pad_y, full.pad_x) == std::pair(layer.pad_y, layer.pad_x));
            CHECK(full.activation == layer.activation);
            CHECK(full.l2 == layer.l2);
        }
    }
}

TEST_CASE("checkpoint: one of another network with the same tensors is refused, with the first layer that differs") {
    const auto check_refused = [](const auto &change, const std::string &why) {
        Changed changed;
        change(changed);
        changed.save();
        CHECK(contains(changed.resume_reason(), why));
        CHECK(contains(changed.weights_reason(), why));
    };
    check_refused([](Changed &c) { c.replace(0, "sigmoid", "tanh"); },
                  "has the layer 1 'conv2d filters=4 kernel=2x2 stride=3x3 padding=valid activation=tanh l2=0 name=squeeze' where 'conv2d "
                  "filters=4 kernel=2x2 stride=3x3 padding=valid activation=sigmoid l2=0 name=squeeze' is needed");
    check_refused([](Changed &c) { c.replace(1, "stride=3x3", "stride=3x2"); },
                  "has the layer 2 'conv2d_transpose filters=6 kernel=1x2 stride=3x2 ");
    check_refused([](Changed &c) { c.replace(1, "stride=3x3", "stride=2x3"); },
                  "has the layer 2 'conv2d_transpose filters=6 kernel=1x2 stride=2x3 ");
    check_refused([](Changed &c) { c.replace(2, "padding=valid", "padding=0,0,1,0"); },
                  "has the layer 3 'conv2d_transpose filters=1 kernel=1x2 stride=1x1 padding=0,0,1,0 ");
    check_refused([](Changed &c) { c.replace(1, "name=stretch", "name=other"); }, "name=other' where");
    check_refused([](Changed &c) { c.network.input = {13, 10, 1}; }, "has the input 13x10x1 where 12x10x1 is needed");
    check_refused([](Changed &c) { c.layers.pop_back(); }, "has 2 layers where 3 are needed");
    check_refused([](Changed &c) { c.network.encoder_layers = 2; }, "has 2 layers as its encoder where 1 are needed");
    check_refused(
        [](Changed &c) {
            c.network.name = "other";
            c.replace(0, "sigmoid", "relu");
        },
        "is of the network other, which has the layer 1 'conv2d filters=4 ");
}

TEST_CASE("checkpoint: its weights are taken by a network of another name and other penalties, its run is not") {
    Changed renamed, penalized;
    renamed.network.name = "other";
    renamed.save();
    CHECK(contains(renamed.resume_reason(), "is of the network other; resume it with the network that began it"));
    CHECK(renamed.weights_reason() == "none");
    penalized.replace(1, "l2=0", "l2=0.5");
    penalized.save();
    CHECK(contains(penalized.resume_reason(),
                   "has the layer 2 'conv2d_transpose filters=6 kernel=1x2 stride=3x3 padding=valid "
                   "activation=relu l2=0.5 name=stretch' where"));
    CHECK(penalized.weights_reason() == "none");
}

TEST_CASE("checkpoint: one whose layers are the same in other words is taken, and so is one of an earlier version") {
    Changed reworded;
    reworded.layers[0].text = "conv2d   name=squeeze activation=sigmoid stride=3x3 kernel=2x2 filters=4 padding=valid";
    reworded.save();
    CHECK(reworded.resume_reason() == "none");
    CHECK(reworded.weights_reason() == "none");

    // Earlier files hold the layers as written, and no data.
    Changed earlier;
    earlier.save();
    TensorFile file = read_safetensors(earlier.path());
    std::string &layers = file.metadata.at("layers");
    const auto write = [&](const std::string &first) {
        layers = first;
        for (const LayerDescription &layer : test_gap::layers)
            if (layer.name != "squeeze") layers.append(1, '\n').append(layer.text);
        write_safetensors(earlier.path(), file);
    };
    write(std::string(test_gap::layers[0].text));
    CHECK(earlier.resume_reason() == "none");
    CHECK(earlier.weights_reason() == "none");
    CHECK_FALSE(read_state(test_gap::network, earlier.path()).data);
    write("conv2d filters=4 kernel=2 stride=3 activation=tanh name=squeeze");
    CHECK(contains(earlier.resume_reason(), "has the layer 1 'conv2d filters=4 kernel=2 stride=3 activation=tanh name=squeeze' where"));
    CHECK(contains(earlier.weights_reason(), "has the layer 1 "));
    write("conv2d filters=4 kernel=2 stride=3 activation=sigmoid l2=0.1 name=squeeze");
    CHECK(contains(earlier.resume_reason(), "l2=0.1"));
    CHECK(earlier.weights_reason() == "none");
}

TEST_CASE("data: their identity is that of images and labels, and not of their place") {
    const Dataset bytes{.shape = {1, 2, 1}, .bytes = {1, 2, 3, 4}, .floats = {}, .labels = {5, 6}};
    const Dataset floats{.shape = {1, 2, 1}, .bytes = {}, .floats = {1, 2, 3, 4}, .labels = {}};
    for (const Dataset &data : {bytes, floats}) {
        const DataIdentity identity = identity_of(data, "/data/../somewhere");
        CHECK(identity.path == "/somewhere");
        CHECK(identity.images == 2);
        CHECK(identity.has_same_images(identity_of(data, "else/where")));
        CHECK(identity_of(data, "else").path == (std::filesystem::current_path() / "else").string());
        const auto check_other = [&](const auto &change) {
            Dataset other = data;
            change(other);
            CHECK_FALSE(identity.has_same_images(identity_of(other, "/somewhere")));
        };
        if (!data.bytes.empty()) check_other([](Dataset &other) { other.bytes = {1, 2, 4, 4}; });
        if (!data.floats.empty()) check_other([](Dataset &other) { other.floats = {1, 2, 3, 4.5F}; });
        if (!data.labels.empty()) check_other([](Dataset &other) { std::swap(other.labels[0], other.labels[1]); });
        check_other([](Dataset &other) { other.labels = {1, 5}; });
        check_other([](Dataset &other) {
            if (!other.bytes.empty()) other.bytes = {1, 2};
            if (!other.floats.empty()) other.floats = {1, 2};
        });
    }
    CHECK(to_string(DataIdentity{.path = "/data", .images = 65, .checksum = 0x1a2b}) == "65 images from /data (CRC-32 00001a2b)");
}

TEST_CASE("checkpoint: one that is cut anywhere, or has any bit flipped, is refused") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "c.safetensors";
    Autoencoder model(test_one::network, {.batch_size = 4});
    TrainingState state;
    state.options = {{"epochs", "3"}};
    save_checkpoint(model, state, path);
    const std::string bytes = read_plain(path);
    const auto check_refused = [&](const std::string &damaged) {
        write_plain(path, damaged);
        CHECK_THROWS_AS(load_checkpoint(model, path), Error);
    };
    for (std::size_t size = 0; size < bytes.size(); size++) check_refused(bytes.substr(0, size));
    for (std::size_t bit = 0; bit < 8 * bytes.size(); bit++) {
        CAPTURE(bit);
        std::string flipped = bytes;
        flipped[bit / 8] = char(static_cast<unsigned char>(flipped[bit / 8]) ^ 1U << bit % 8);
        check_refused(flipped);
    }
    write_plain(path, bytes);
    CHECK(load_checkpoint(model, path).options == state.options);
}

TEST_CASE("checkpoint: best weights that are not the network's are refused before anything is set") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "c.safetensors";
    Random random(5);
    Autoencoder model(test_gap::network, {.batch_size = 4}), other(test_gap::network, {.batch_size = 4});
    set_random_weights(model.network(), random);
    const TensorFile before = weights_of(other);
    const auto refused = [&](const auto &change) {
        TrainingState state;
        state.best_weights = weights_of(model);
        change(state.best_weights.tensors);
        save_checkpoint(model, state, path);
        CHECK_THROWS_AS(read_state(test_gap::network, path), Error);
        CHECK_THROWS_AS(load_checkpoint(other, path), Error);
        for (const Tensor &tensor : weights_of(other).tensors) CHECK(before.find(tensor.name)->values == tensor.values);
    };
    refused([](std::vector<Tensor> &best) { best.pop_back(); });
    refused([](std::vector<Tensor> &best) { best[0] = {best[0].name, {2}, {1, 2}}; });
    refused([](std::vector<Tensor> &best) { best.push_back({"more", {1}, {1}}); });
}

TEST_CASE("checkpoint: holds what its optimizer keeps, and one that lacks it, or holds it for another network, is refused") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "c.safetensors";
    const auto begins_with = [](const std::string &prefix) {
        return [=](const Tensor &tensor) { return tensor.name.starts_with(prefix); };
    };
    for (const auto &[optimizer, prefixes] : {std::pair{Optimizer::adam(), std::vector<std::string>{"adam/m/", "adam/v/"}},
                                              {Optimizer::sgd(0.9F), {"sgd/v/"}},
                                              {Optimizer::sgd(), {}}}) {
        Random random(6);
        Autoencoder model(test_gap::network, {.batch_size = 4, .optimizer = optimizer}),
            other(test_gap::network, {.batch_size = 4, .optimizer = optimizer});
        const std::vector<float> images = random_values(4 * test_gap::input.size(), random);
        REQUIRE(model.step(images).error == 0);
        save_checkpoint(model, {}, path);
        (void)load_checkpoint(other, path);
        REQUIRE(model.step(images).error == 0);
        REQUIRE(other.step(images).error == 0);
        std::vector<float> weights(test_gap::parameter_count), same(weights.size());
        REQUIRE(model.save(weights) == 0);
        REQUIRE(other.save(same) == 0);
        CHECK(weights == same);

        const TensorFile sound = read_safetensors(path);
        CHECK(sound.tensors.size() == (1 + prefixes.size()) * test_gap::network.tensors().size());
        for (const std::string &prefix : prefixes) {
            TensorFile lacking = sound;
            lacking.tensors.erase(std::ranges::find_if(lacking.tensors, begins_with(prefix)));
            write_safetensors(path, lacking);
            CHECK_THROWS_AS(load_checkpoint(other, path), Error);
            TensorFile more = sound;
            more.tensors.push_back({prefix + "more", {1}, {1}});
            write_safetensors(path, more);
            CHECK_THROWS_AS(load_checkpoint(other, path), Error);
        }
        REQUIRE(other.save(same) == 0);
        CHECK(weights == same);
    }
}

TEST_CASE("model file: all of a checkpoint's numbers come back, and no negative one is taken") {
    const TemporaryFolder folder;
    const std::filesystem::path path = folder.path() / "c.safetensors";
    Random random(5);
    Autoencoder model(test_gap::network, {.batch_size = 4});
    set_random_weights(model.network(), random);
    model.optimizer().steps = 9;
    const TrainingState state{.epoch = 3,
                              .image = 7,
                              .weighted_loss = 1.5,
                              .shuffle = 11,
                              .best_epoch = 2,
                              .best_loss = 0.1,
                              .best_weights = weights_of(model),
                              .options = {{"seed", "4"}},
                              .data = DataIdentity{.path = "/a b/\n\"c\"", .images = 65, .checksum = 0xffffffffU},
                              .targets = DataIdentity{.path = "/t", .images = 65, .checksum = 7},
                              .level = "x86-64-avx2"};
    save_checkpoint(model, state, path);
    model.optimizer().steps = 0;
    const TrainingState read = load_checkpoint(model, path);
    CHECK(model.optimizer().steps == 9);
    CHECK(read.epoch == state.epoch);
    CHECK(read.image == state.image);
    CHECK(read.weighted_loss == state.weighted_loss);
    CHECK(read.shuffle == state.shuffle);
    CHECK(read.level == state.level);
    CHECK(read.best_epoch == state.best_epoch);
    CHECK(read.best_loss == state.best_loss);
    CHECK(read.options == state.options);
    CHECK(read.data == state.data);
    CHECK(read.targets == state.targets);
    for (const Tensor &tensor : state.best_weights.tensors) CHECK(read.best_weights.find(tensor.name)->values == tensor.values);

    const TensorFile sound = read_safetensors(path);
    for (const std::string key : {"step", "epoch", "image", "weighted_loss", "shuffle", "best_epoch", "best_loss", "data images",
                                  "data checksum", "targets images", "targets checksum"}) {
        CAPTURE(key);
        TensorFile negative = sound;
        negative.metadata[key] = "-1";
        write_safetensors(path, negative);
        CHECK_THROWS_AS(load_checkpoint(model, path), Error);
    }
}

}  // namespace
}  // namespace castnet::test

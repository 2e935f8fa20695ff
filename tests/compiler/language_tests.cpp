// Tests the network language: what a text means, and the error message of a mistake.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <ostream>

#include "generators/language/architecture.h"
#include "generators/language/suggestion.h"
#include "train/files/error.h"

namespace castnet::test {
namespace {

std::string message_of(const std::string &text, const std::string &file = "n.castnet") {
    try {
        read_architecture(file, text);
    } catch (const Error &error) {
        return error.what();
    }
    return "";
}

/// Returns the error message of a network with the input on line 2 and the layer on line 4.
std::string message_of_layer(const std::string &layer, const std::string &input = "28x28x1") {
    return message_of("# a comment\ninput " + input + "\nencoder\n" + layer + "\ndecoder\nconv2d filters=1 kernel=1\n");
}

Architecture read(const std::string &text) {
    return read_architecture("folder/n.castnet", text);
}

/// The size of a layer's output grid, and the zeros before its large grid.
struct Placed {
    int height = 0, width = 0, pad_y = 0, pad_x = 0;
    bool operator==(const Placed &) const = default;
};
std::ostream &operator<<(std::ostream &out, const Placed &p) {
    return out << p.height << "x" << p.width << " behind " << p.pad_y << "x" << p.pad_x;
}
Placed placed(const std::string &layer, const std::string &input) {
    // Appends a layer that shrinks any grid to one cell, and one that makes the input's size from it.
    const std::string text = "input " + input + "x1\nencoder\n" + layer +
                             "\nconv2d filters=1 kernel=1 stride=9999 padding=same\ndecoder\n" +
                             "conv2d_transpose filters=1 kernel=1 stride=9999 padding=same output=" + input;
    const LayerDescription description = read(text).layers[0].description();
    return {description.output.height, description.output.width, description.pad_y, description.pad_x};
}

/// What a layer of the text computes, in the one form that models keep.
std::string canonical(const std::string &layer, const std::string &input) {
    const std::string text = "input " + input + "x1\nencoder\n" + layer +
                             "\nconv2d filters=1 kernel=1 stride=9999 padding=same\ndecoder\n" +
                             "conv2d_transpose filters=1 kernel=1 stride=9999 padding=same output=" + input;
    return read(text).layers[0].description().canonical.data();
}

TEST_CASE("language: layers that compute the same read the same, and others do not") {
    const std::string valid = "conv2d filters=1 kernel=3x3 stride=1x1 padding=valid activation=linear l2=0 name=conv2d";
    CHECK(canonical("conv2d filters=1 kernel=3", "9x9") == valid);
    CHECK(canonical("conv2d kernel=3x3 filters=1 padding=0 activation=linear", "9x9") == valid);
    CHECK(canonical("conv2d filters=1 kernel=2 stride=2 padding=same", "8x8") == canonical("conv2d filters=1 kernel=2 stride=2", "8x8"));
    const std::string same = canonical("conv2d filters=1 kernel=3 padding=same", "9x9");
    CHECK(same == "conv2d filters=1 kernel=3x3 stride=1x1 padding=same activation=linear l2=0 name=conv2d");
    CHECK(canonical("conv2d filters=1 kernel=3 padding=1", "9x9") == same);
    CHECK(canonical("conv2d filters=1 kernel=3 padding=2,0,1,1", "9x9") ==
          "conv2d filters=1 kernel=3x3 stride=1x1 padding=2,0,1,1 activation=linear l2=0 name=conv2d");
    CHECK(canonical("conv2d filters=1 kernel=1 activation=leaky_relu(0.20)", "9x9") ==
          canonical("conv2d filters=1 kernel=1 activation=leaky_relu", "9x9"));
    CHECK(canonical("conv2d filters=1 kernel=1 activation=elu(2.50)", "9x9") ==
          "conv2d filters=1 kernel=1x1 stride=1x1 padding=valid activation=elu(2.5) l2=0 name=conv2d");
    const std::string transposed = "conv2d_transpose filters=1 kernel=3x3 stride=2x2 padding=";
    const std::string rest = " activation=linear l2=0 name=conv2d_transpose";
    CHECK(canonical("conv2d_transpose filters=1 kernel=3 stride=2 padding=same", "13x13") == transposed + "same" + rest);
    CHECK(canonical("conv2d_transpose filters=1 kernel=3 stride=2 padding=same output=25x25", "13x13") ==
          transposed + "same output=25x25" + rest);
    CHECK(canonical("conv2d_transpose filters=1 kernel=3 stride=2 padding=1", "13x13") == transposed + "1,1,1,1 output=25x25" + rest);
    CHECK(canonical("conv2d_transpose filters=1 kernel=3 stride=2 padding=1 output=26x26", "13x13") !=
          canonical("conv2d_transpose filters=1 kernel=3 stride=2 padding=same", "13x13"));
    CHECK(canonical("conv2d_transpose filters=1 kernel=3 stride=2 padding=0", "13x13") ==
          canonical("conv2d_transpose filters=1 kernel=3 stride=2", "13x13"));
}

TEST_CASE("language: the default network") {
    const Architecture network = read(
        "# The default network, 28 → 14 → 7 → 1 and back.\ninput 28x28x1\r\nencoder\n  conv2d filters=32 kernel=3 stride=2 padding=same "
        "activation=relu\n"
        "\tconv2d  filters=64 kernel=3 stride=2 padding=same activation=relu # and a comment\n\n  conv2d filters=2 kernel=7\ndecoder\n"
        "  conv2d_transpose filters=64 kernel=7 activation=relu l2=1e-3 name=wide\n"
        "  conv2d_transpose filters=32 kernel=3 stride=2 padding=same activation=relu\n"
        "  conv2d_transpose filters=1 kernel=7 stride=2 padding=same");
    CHECK(network.name == "n");
    CHECK(network.input == Shape{28, 28, 1});
    REQUIRE(network.layers.size() == 6);
    CHECK(network.encoder_layers == 3);
    const Layer &second = network.layers[1], &fourth = network.layers[3], &last = network.layers[5];
    CHECK(second.name == "conv2d_1");
    CHECK(second.statement.line == 5);
    CHECK(second.statement.text == "conv2d filters=64 kernel=3 stride=2 padding=same activation=relu");
    CHECK(second.input == Shape{14, 14, 32});
    CHECK(second.output == Shape{7, 7, 64});
    CHECK(second.description().parameter_count() == 18496);
    CHECK(second.description().activation == "relu");
    CHECK(second.description().pad_y == 0);
    CHECK(fourth.name == "wide");
    CHECK(fourth.description().l2 == 1e-3F);
    CHECK(last.name == "conv2d_transpose_1");
    CHECK(last.output == Shape{28, 28, 1});
    CHECK(last.description().pad_y == 2);
}

TEST_CASE("language: a dense layer reads all numbers above, and a reshape shows them in another shape") {
    const Architecture network = read(
        "input 8x8x2\nencoder\nconv2d filters=4 kernel=3 stride=2 padding=same activation=relu\ndense units=20 activation=elu\n"
        "dense units=6\nreshape 1x2x3\ndecoder\ndense units=16\nreshape 2x2x4\nconv2d_transpose filters=3 kernel=2 stride=2\n"
        "dense units=128 name=last\nreshape 8x8x2\n");
    REQUIRE(network.layers.size() == 6);
    CHECK(network.code == Shape{1, 2, 3});
    CHECK(network.output == Shape{8, 8, 2});
    const Layer &first = network.layers[1], &second = network.layers[2], &transposed = network.layers[4];
    CHECK(first.name == "dense");
    CHECK(first.input == Shape{1, 1, 64});
    CHECK(first.output == Shape{1, 1, 20});
    CHECK(first.description().parameter_count() == 64 * 20 + 20);
    CHECK(std::ranges::equal(first.description().kernel().shape(), std::array<std::size_t, 2>{64, 20}));
    CHECK(first.canonical == "dense units=20 activation=elu l2=0 name=dense");
    CHECK(second.name == "dense_1");
    CHECK(transposed.input == Shape{2, 2, 4});
    CHECK(transposed.canonical ==
          "conv2d_transpose filters=3 kernel=2x2 stride=2x2 padding=valid activation=linear l2=0 name=conv2d_transpose from=2x2x4");
    CHECK(network.layers[5].output == Shape{1, 1, 128});
}

TEST_CASE("language: pools, upsampling and dropout have Keras's defaults and shapes, and layers of their own text") {
    struct Row {
        std::string layer, input, canonical;
        Placed placed;
    };
    // Keras's shapes: MaxPooling2D and AveragePooling2D with pool_size 2, strides of the pool and valid padding; UpSampling2D of size 2.
    const std::vector<Row> rows{
        {"max_pool", "9x7", "max_pool pool=2x2 stride=2x2 padding=valid", {4, 3, 0, 0}},
        {"max_pool padding=same", "9x7", "max_pool pool=2x2 stride=2x2 padding=same", {5, 4, 0, 0}},
        {"max_pool pool=3 stride=1 padding=same", "9x7", "max_pool pool=3x3 stride=1x1 padding=same", {9, 7, 1, 1}},
        {"average_pool pool=3x1", "9x7", "average_pool pool=3x1 stride=3x1 padding=valid", {3, 7, 0, 0}},
        {"average_pool pool=3 stride=2 padding=1", "9x7", "average_pool pool=3x3 stride=2x2 padding=same", {5, 4, 1, 1}},
        {"max_pool pool=3 stride=2 padding=1", "8x8", "max_pool pool=3x3 stride=2x2 padding=1,1,1,1", {4, 4, 1, 1}},
        {"upsample", "9x7", "upsample size=2x2 interpolation=nearest", {18, 14, 0, 0}},
        {"upsample size=1x3 interpolation=bilinear", "9x7", "upsample size=1x3 interpolation=bilinear", {9, 21, 0, 0}},
        {"dropout rate=0.25", "9x7", "dropout rate=0.25", {9, 7, 0, 0}},
    };
    for (const Row &row : rows) {
        CAPTURE(row.layer);
        CHECK(placed(row.layer, row.input) == row.placed);
        CHECK(canonical(row.layer, row.input) == row.canonical);
    }
    const Architecture network = read(
        "input 8x8x3\nencoder\nmax_pool\nmax_pool\nconv2d filters=5 kernel=2\ndecoder\nupsample size=8 name=up\n"
        "dropout rate=0.5\nconv2d filters=3 kernel=1");
    CHECK(network.code == Shape{1, 1, 5});
    CHECK(network.layers[1].name == "max_pool_1");
    CHECK(network.layers[3].name == "up");
    CHECK(network.layers[3].output == Shape{8, 8, 5});
    CHECK(network.layers[4].statement.rate == 0.5F);
    const std::vector<LayerDescription> layers = network.descriptions();
    CHECK(network.description(layers).parameter_count() == 3 * 4 * 5 + 5 + 5 * 3 + 3);
    CHECK(network.description(layers).tensors().size() == 4);
    CHECK(network.description(layers).tensors()[2].layer == "conv2d_1");
}

/// Returns the factors by which layer `l` takes in the layer before it, or 1x1.
std::string taken_in(const std::string &text, std::size_t l) {
    const Architecture network = read(text);
    const Layer &layer = network.layers.at(l);
    CHECK(network.layers.at(l - 1).is_taken_in == layer.description().takes_in_upsample());
    return std::to_string(layer.upsampled_y) + "x" + std::to_string(layer.upsampled_x);
}

TEST_CASE("language: a convolution takes in the upsample before it where that computes less") {
    const auto behind = [](const std::string &before, const std::string &convolution) {
        return taken_in("input 4x6x2\noutput 1x1x3\nencoder\ndense units=48\nreshape 4x6x2\n" + before + "\ndecoder\n" + convolution +
                            "\ndense units=3",
                        2);
    };
    const auto inside = [](const std::string &before, const std::string &convolution) {
        return taken_in(
            "input 4x6x2\noutput 1x1x3\nencoder\nconv2d filters=2 kernel=1\ndecoder\n" + before + "\n" + convolution + "\ndense units=3",
            2);
    };
    CHECK(inside("upsample", "conv2d filters=3 kernel=3 padding=same") == "2x2");
    CHECK(inside("upsample size=1x3", "conv2d filters=3 kernel=2x4 trainable=false") == "1x3");
    CHECK(inside("upsample size=4", "conv2d filters=3 kernel=3") == "4x4");
    CHECK(inside("upsample size=3x1", "conv2d filters=3 kernel=3 padding=2") == "3x1");
    // A stretched kernel that is much larger than the layer's; no product saved.
    CHECK(inside("upsample size=5", "conv2d filters=3 kernel=3") == "1x1");
    CHECK(inside("upsample", "conv2d filters=3 kernel=1") == "1x1");
    // Other maps.
    CHECK(inside("upsample", "conv2d filters=3 kernel=3 stride=2x1") == "1x1");
    CHECK(inside("upsample", "conv2d filters=3 kernel=3 stride=1x2") == "1x1");
    CHECK(inside("upsample interpolation=bilinear", "conv2d filters=3 kernel=3") == "1x1");
    CHECK(inside("average_pool", "conv2d filters=3 kernel=2") == "1x1");
    CHECK(inside("upsample", "conv2d_transpose filters=3 kernel=3") == "1x1");
    CHECK(inside("upsample", "dropout rate=0.5") == "1x1");
    CHECK(inside("upsample\nreshape 12x8x2", "conv2d filters=3 kernel=3") == "1x1");
    // The code is an output, and a network's input is not the runtime's to keep.
    CHECK(behind("upsample", "conv2d filters=3 kernel=3") == "1x1");
    CHECK(taken_in("input 4x6x2\noutput 1x1x3\nencoder\nupsample\nconv2d filters=3 kernel=3\ndecoder\ndense units=3", 1) == "1x1");

    const Architecture network =
        read("input 4x6x2\noutput 8x12x3\nencoder\nconv2d filters=5 kernel=1\ndecoder\nupsample\nconv2d filters=3 kernel=3x2 padding=same");
    const LayerDescription layer = network.layers[2].description();
    CHECK(layer.kernel_shape() == std::array<std::size_t, 4>{3, 2, 5, 3});
    CHECK(layer.geometry().kernel_shape() == std::array<std::size_t, 4>{4, 3, 3, 5});
    CHECK(layer.multiply_adds() == 4 * 6 * 4 * 3 * 5 * 3);
    CHECK(layer.canonical == "conv2d filters=3 kernel=3x2 stride=1x1 padding=same activation=linear l2=0 name=conv2d_1");
}

TEST_CASE("language: a network in which nothing learns is refused, and freezing changes training alone") {
    const auto text = [](const std::string &first, const std::string &second) {
        return "input 4x4x1\nencoder\nmax_pool\nconv2d filters=2 kernel=1 activation=silu" + first +
               "\ndecoder\nconv2d_transpose filters=1 kernel=2 stride=2" + second;
    };
    const std::string frozen = " trainable=false";
    CHECK(message_of(text(frozen, frozen)) ==
          "n.castnet:6: error: no layer learns; leave out trainable=false in one that has weights, or add one, as dense units=32");
    CHECK(message_of("input 4x4x1\nencoder\nmax_pool\ndecoder\nupsample") ==
          "n.castnet:5: error: no layer learns; leave out trainable=false in one that has weights, or add one, as dense units=32");
    const Architecture first = read(text(frozen, "")), none = read(text(" trainable=true", "")), second = read(text("", frozen));
    CHECK(none.layers[1].keeps_sums);
    CHECK_FALSE(first.layers[1].keeps_sums);
    CHECK(first.layers[1].canonical ==
          "conv2d filters=2 kernel=1x1 stride=1x1 padding=valid activation=silu l2=0 trainable=false name=conv2d");
    const Architecture penalized = read(text(" l2=0.5" + frozen, ""));
    CHECK(penalized.layers[1].description().l2 == 0);  // as in Keras
    CHECK(penalized.layers[1].canonical.find("l2=0.5 trainable=false") != std::string::npos);
    const auto multiply_adds = [](const Architecture &network) {
        const std::vector<LayerDescription> layers = network.descriptions();
        return network.description(layers).training_multiply_adds();
    };
    // Forward 2·2·2 and 4·4·2; their backward_weights as many; backward_data of the last layer where the first learns.
    CHECK(multiply_adds(none) == 2 * 8 + 3 * 32);
    CHECK(multiply_adds(first) == 8 + 2 * 32);
    CHECK(multiply_adds(second) == 2 * 8 + 2 * 32);
}

TEST_CASE("language: a loss has one name, and decides with the last activation what that layer keeps") {
    const auto network = [](const std::string &loss, const std::string &last) {
        return read("input 4x4x1\n" + loss +
                    "encoder\nconv2d filters=2 kernel=1 activation=silu\ndecoder\nconv2d filters=1 kernel=1 activation=" + last);
    };
    CHECK(network("", "sigmoid").loss == "mean_squared_error");
    CHECK(network("loss huber(1.0)\n", "sigmoid").loss == "huber");
    CHECK(network("loss huber(0.50)\n", "sigmoid").loss == "huber(0.5)");
    const auto keeps = [&](const std::string &loss, const std::string &last) {
        const Architecture read = network(loss, last);
        return std::pair(read.layers[0].description().keeps_sums, read.layers[1].description().keeps_sums);
    };
    CHECK(keeps("", "sigmoid") == std::pair(true, false));
    CHECK(keeps("loss binary_crossentropy\n", "sigmoid") == std::pair(true, true));
    CHECK(keeps("loss binary_crossentropy\n", "tanh") == std::pair(true, false));
    CHECK(keeps("loss huber\n", "gelu") == std::pair(true, true));
}

TEST_CASE("language: the channels of a softmax stay together") {
    const std::string begin = "input 4x4x2\nencoder\nconv2d filters=4 kernel=1 activation=softmax\n";
    const Architecture network = read(begin + "dense units=3\ndecoder\ndense units=32\nreshape 4x4x2\n");
    CHECK(network.layers[1].input == Shape{4, 4, 4});
    CHECK(std::ranges::equal(network.layers[1].description().kernel().shape(), std::array<std::size_t, 2>{64, 3}));
    CHECK(message_of(begin + "flatten\n") ==
          "n.castnet:4: error: a softmax over channels cannot be taken apart; leave its channels as they are, or end it by a dense layer");
    CHECK(message_of(begin + "reshape 2x8x4\ndecoder\nconv2d filters=1 kernel=1\nreshape 4x4x1\nconv2d filters=2 kernel=1\n") == "");
}

TEST_CASE("language: shapes are Keras's, PyTorch's and ONNX's") {
    struct Example {
        std::string layer, input;
        Placed expected;
    };
    const std::vector<Example> examples{
        // keras/src/layers/convolutional: conv_test.py and conv_transpose_test.py.
        {"conv2d filters=2 kernel=2", "5x5", {4, 4}},
        {"conv2d filters=2 kernel=2 stride=2x1", "5x5", {2, 4}},
        {"conv2d filters=2 kernel=3 stride=2 padding=same", "8x8", {4, 4, 0, 0}},
        {"conv2d filters=2 kernel=4x3 stride=2x1", "8x8", {3, 6}},
        {"conv2d filters=2 kernel=3 padding=same", "7x7", {7, 7, 1, 1}},
        {"conv2d filters=2 kernel=4 padding=same", "7x7", {7, 7, 1, 1}},  // the odd zero goes after
        {"conv2d_transpose filters=2 kernel=2 stride=2", "8x8", {16, 16}},
        {"conv2d_transpose filters=2 kernel=2x3 stride=2x1", "8x8", {16, 10}},
        {"conv2d_transpose filters=2 kernel=7 stride=16", "14x14", {224, 224}},
        {"conv2d_transpose filters=2 kernel=3 stride=2 padding=same", "13x13", {26, 26, 0, 0}},
        {"conv2d_transpose filters=2 kernel=7 stride=2 padding=same", "14x14", {28, 28, 2, 2}},
        // PyTorch's output_size and padding.
        {"conv2d_transpose filters=2 kernel=3 stride=2 padding=same output=25x26", "13x13", {25, 26, 1, 0}},
        {"conv2d_transpose filters=2 kernel=3 stride=2 output=74x73", "36x36", {74, 73}},
        {"conv2d_transpose filters=2 kernel=11 stride=3 output=250x248", "80x80", {250, 248}},
        {"conv2d_transpose filters=16 kernel=3 stride=2 padding=1", "4x4", {7, 7, 1, 1}},
        {"conv2d_transpose filters=16 kernel=3 stride=2 padding=1 output=8x8", "4x4", {8, 8, 1, 1}},
        {"conv2d_transpose filters=1 kernel=2 stride=3 padding=0", "4x4", {11, 11}},
        {"conv2d filters=16 kernel=3 stride=2 padding=1", "28x28", {14, 14, 1, 1}},
        {"conv2d filters=16 kernel=3x4 padding=1x2", "5x5", {5, 6, 1, 2}},
        // ONNX's pads: test_conv_with_strides_and_asymmetric_padding is 7x5 with pads 1 0 1 0.
        {"conv2d filters=1 kernel=3 stride=2 padding=1,1,0,0", "7x5", {4, 2, 1, 0}},
        {"conv2d filters=1 kernel=3 stride=2 padding=0,1,2,1", "7x5", {3, 3, 0, 2}},
    };
    for (const Example &example : examples) {
        CAPTURE(example.layer);
        CHECK(placed(example.layer, example.input) == example.expected);
    }
}

TEST_CASE("language: a transposed layer makes what its convolution maps to its input, and nothing else") {
    const auto height_of = [](const std::string &layer, const std::string &input) {
        try {
            return placed(layer, input).height;
        } catch (const Error &) {
            return 0;
        }
    };
    for (const std::string geometry :
         {"kernel=3 stride=2 padding=same", "kernel=3 stride=4", "kernel=5 stride=3", "kernel=4 stride=3 padding=2,1,2,1"}) {
        for (int large = 1; large <= 40; large++) {
            for (int small = 1; small <= 14; small++) {
                const auto extent = [](int rows) { return std::to_string(rows) + "x" + std::to_string(rows); };
                CAPTURE(geometry);
                CAPTURE(large);
                CAPTURE(small);
                const int forward = height_of("conv2d filters=1 " + geometry, extent(large));
                const int backward = height_of("conv2d_transpose filters=1 " + geometry + " output=" + extent(large), extent(small));
                CHECK(backward == (forward == small ? large : 0));
            }
        }
    }
}

TEST_CASE("language: a mistake is one line, with its place, what is wrong and what is allowed") {
    struct Mistake {
        std::string layer, message;
    };
    const std::string long_name(65, 'a');
    const std::vector<Mistake> mistakes{
        {"pool filters=3 kernel=3",
         "there is no statement 'pool'; the statements are input, output, loss, encoder, decoder, conv2d, conv2d_transpose, dense, "
         "max_pool, "
         "average_pool, upsample, dropout, reshape and flatten"},
        {"max_pol", "there is no statement 'max_pol'; did you mean max_pool?"},
        {"max_pool kernel=2", "max_pool has no key 'kernel'; its keys are pool, stride, padding and name"},
        {"max_pool activation=relu", "max_pool has no key 'activation'; its keys are pool, stride, padding and name"},
        {"average_pool pool=2x0", "pool=2x0 is not a size; write pool=3, or pool=3x5 for 3 rows by 5 columns (1 to 9999)"},
        {"max_pool pool=29x2", "the pool's height 29 is larger than the input's 28; it may be at most 28 here"},
        {"max_pool pool=2 padding=2", "the padding 2 is not less than the kernel's height 2; a window would see zeros alone"},
        {"upsample size=2x", "size=2x is not a size; write size=3, or size=3x5 for 3 rows by 5 columns (1 to 9999)"},
        {"upsample size=999", "the output's height would be 27972; it may be at most 9999"},
        {"upsample interpolation=cubic", "there is no interpolation 'cubic'; the interpolations are nearest and bilinear"},
        {"upsample interpolation=bilinar", "there is no interpolation 'bilinar'; did you mean bilinear?"},
        {"dropout", "rate is missing; add rate=0.2, say"},
        {"dropout rate=1", "rate=1 is not a share; write rate=0.2, say (from 0 to below 1)"},
        {"dropout rate=0.99999999999", "rate=0.99999999999 is not a share; write rate=0.2, say (from 0 to below 1)"},
        {"dropout rate=-0.1", "rate=-0.1 is not a share; write rate=0.2, say (from 0 to below 1)"},
        {"dropout rate=nan", "rate=nan is not a share; write rate=0.2, say (from 0 to below 1)"},
        {"dropout rate=0.2x", "rate=0.2x is not a share; write rate=0.2, say (from 0 to below 1)"},
        {"conv2d filters=3 kernel=3 trainable=no", "trainable=no is neither true nor false; write trainable=false"},
        {"dense filters=3", "dense has no key 'filters'; its keys are units, activation, l2, trainable and name"},
        {"dense activation=relu", "units is missing; add units=32, say"},
        {"dense units=0", "units=0 is not a number of outputs; write units=32, say (1 to 999999)"},
        {"dense units=1000000", "units=1000000 is not a number of outputs; write units=32, say (1 to 999999)"},
        {"loss", "loss wants one name; write loss binary_crossentropy, say"},
        {"loss hubert", "there is no loss 'hubert'; did you mean huber?"},
        {"loss mse", "there is no loss 'mse'; the losses are mean_squared_error, mean_absolute_error, binary_crossentropy and huber"},
        {"loss huber(0)", "loss huber(0): the parameter is a number from 0.0001 to 100; write loss huber(1), say"},
        {"loss mean_squared_error(2)", "loss mean_squared_error(2): mean_squared_error has no parameter; write loss mean_squared_error"},
        {"reshape", "reshape wants one shape; write reshape 4x4x64, say"},
        {"reshape 28x28", "'28x28' is not a shape; write 28x28x1, say, for rows x columns x channels (1 to 9999)"},
        {"reshape 28x28x2", "28x28x2 has 1568 elements, and what stands above has 784 (28x28x1); choose a shape of as many"},
        {"flatten 784", "'784' does not belong behind flatten; begin a line of its own"},
        {"conv2 filters=3 kernel=3", "there is no statement 'conv2'; did you mean conv2d?"},
        {"conv2d fitlers=3 kernel=3", "conv2d has no key 'fitlers'; did you mean filters?"},
        {"conv2d filters=3 kernel=3 size=4",
         "conv2d has no key 'size'; its keys are filters, kernel, stride, padding, activation, l2, trainable and name"},
        {"conv2d filters=3 kernel=3 output=4x4",
         "conv2d has no key 'output'; its keys are filters, kernel, stride, padding, activation, l2, trainable and name"},
        {"conv2d filters=3 kernel=3 big",
         "'big' is not key=value; the keys are filters, kernel, stride, padding, activation, l2, trainable, name"},
        {"conv2d filters= kernel=3",
         "'filters=' is not key=value; the keys are filters, kernel, stride, padding, activation, l2, trainable, name"},
        {"conv2d filters=3 kernel=3 kernel=5", "kernel is given twice; give it once"},
        {"conv2d kernel=3", "filters is missing; add filters=32, say"},
        {"conv2d filters=3", "kernel is missing; add kernel=3, say"},
        {"conv2d filters=0 kernel=3", "filters=0 is not a number of channels; write filters=32, say (1 to 9999)"},
        {"conv2d filters=-3 kernel=3", "filters=-3 is not a number of channels; write filters=32, say (1 to 9999)"},
        {"conv2d filters=007 kernel=3", "filters=007 is not a number of channels; write filters=32, say (1 to 9999)"},
        {"conv2d filters=10000 kernel=3", "filters=10000 is not a number of channels; write filters=32, say (1 to 9999)"},
        {"conv2d filters=3 kernel=3x", "kernel=3x is not a size; write kernel=3, or kernel=3x5 for 3 rows by 5 columns (1 to 9999)"},
        {"conv2d filters=3 kernel=3x3x3", "kernel=3x3x3 is not a size; write kernel=3, or kernel=3x5 for 3 rows by 5 columns (1 to 9999)"},
        {"conv2d filters=3 kernel=3 stride=0", "stride=0 is not a size; write stride=3, or stride=3x5 for 3 rows by 5 columns (1 to 9999)"},
        {"conv2d filters=3 kernel=3 padding=sane",
         "there is no padding 'sane'; did you mean same?; or write zeros as 1, as 1x2 for 1 above and below "
         "and 2 at the sides, or as top,bottom,left,right"},
        {"conv2d filters=3 kernel=3 padding=1,2,3",
         "there is no padding '1,2,3'; the names are valid and same; or write zeros as 1, as 1x2 for 1 above "
         "and below and 2 at the sides, or as top,bottom,left,right"},
        {"conv2d filters=3 kernel=3 padding=3", "the padding 3 is not less than the kernel's height 3; a window would see zeros alone"},
        {"conv2d filters=3 kernel=3 activation=selu", "there is no activation 'selu'; did you mean relu?"},
        {"conv2d filters=3 kernel=3 activation=swish",
         "there is no activation 'swish'; the activations are linear, relu, leaky_relu, elu, gelu, silu, softplus, sigmoid, tanh and "
         "softmax"},
        {"conv2d filters=3 kernel=3 activation=leaky_relo(0.1)", "there is no activation 'leaky_relo'; did you mean leaky_relu?"},
        {"conv2d filters=3 kernel=3 activation=tanh(0.1)", "activation=tanh(0.1): tanh has no parameter; write activation=tanh"},
        {"conv2d filters=3 kernel=3 activation=elu(",
         "activation=elu(: the parameter is a number from 0.0001 to 100; write activation=elu(1), say"},
        {"conv2d filters=3 kernel=3 l2=-1", "l2=-1 is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)"},
        {"conv2d filters=3 kernel=3 l2=nan", "l2=nan is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)"},
        {"conv2d filters=3 kernel=3 l2=010", "l2=010 is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)"},
        {"conv2d filters=3 kernel=3 l2=1e999", "l2=1e999 is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)"},
        {"conv2d filters=3 kernel=3 l2=1e-99", "l2=1e-99 is not a factor; write l2=0.001 or l2=1e-3, say (0, or 1e-30 to 9999)"},
        {"conv2d filters=3 kernel=3 name=A", "name=A is not a name; use small letters, digits and _, a letter first, 64 at most"},
        {"conv2d filters=3 kernel=3 name=" + long_name,
         "name=" + long_name + " is not a name; use small letters, digits and _, a letter first, 64 at most"},
        {"conv2d filters=3 kernel=3 name=best", "the name best is taken by what checkpoints hold; choose another"},
        {"conv2d filters=3 kernel=3 name=sgd", "the name sgd is taken by what checkpoints hold; choose another"},
        {"conv2d filters=3 kernel=29", "the kernel's height 29 is larger than the input's 28; it may be at most 28 here"},
        {"conv2d filters=3 kernel=3x29", "the kernel's width 29 is larger than the input's 28; it may be at most 28 here"},
        {"conv2d_transpose filters=3 kernel=3 stride=999", "the output's height would be 27972; it may be at most 9999"},
        {"conv2d_transpose filters=3 kernel=3 stride=2 output=60x57", "the output's height cannot be 60; of 28 it can be 57 to 58 here"},
        {"conv2d filters=9999 kernel=9999x999 padding=same", "the kernel would have 99880020999 elements; it may have at most 2147483632"},
        {"conv2d_transpose filters=9999 kernel=300 stride=300 padding=same",
         "the output would have 705529440000 elements; it may have at most 2147483632"},
        {"encoder", "encoder is given twice, or too late; write encoder, then decoder, once"},
        {"input 3x3x3", "the input is given twice; give it once"},
    };
    for (const auto &[layer, message] : mistakes) {
        CHECK(message_of_layer(layer) == "n.castnet:4: error: " + message);
    }
    CHECK(message_of_layer("loss huber\nloss huber") == "n.castnet:5: error: the loss is given twice; give it once");
    CHECK(message_of_layer("conv2d_transpose filters=3 kernel=6 padding=5", "1x1x1") ==
          "n.castnet:4: error: the padding leaves nothing of the output's height; it may be 5 in all here");
    CHECK(message_of("") == "n.castnet:1: error: there is no network; begin with input 28x28x1, say");
    CHECK(message_of("# nothing\n") == "n.castnet:1: error: there is no network; begin with input 28x28x1, say");
    CHECK(message_of("encoder\n") == "n.castnet:1: error: 'encoder' comes before the input; begin with input 28x28x1, say");
    CHECK(message_of("input 28x28\n") ==
          "n.castnet:1: error: '28x28' is not a shape; write 28x28x1, say, for rows x columns x channels (1 to 9999)");
    CHECK(message_of("input\n") == "n.castnet:1: error: input wants one shape; write input 28x28x1, say");
    CHECK(message_of("output 8x8x1\n") == "n.castnet:1: error: 'output' comes before the input; begin with input 28x28x1, say");
    CHECK(message_of("input 8x8x1\noutput 8x8x1\noutput 8x8x1\n") == "n.castnet:3: error: the output is given twice; give it once");
    CHECK(message_of("input 8x8x1\noutput\n") == "n.castnet:2: error: output wants one shape; write output 28x28x3, say");
    CHECK(message_of("input 8x8x1\noutput 0x1x1\n") ==
          "n.castnet:2: error: '0x1x1' is not a shape; write 28x28x1, say, for rows x columns x channels (1 to 9999)");
    CHECK(message_of("input 8x8x1\noutput 9999x9999x99\n") ==
          "n.castnet:2: error: the output would have 9898020099 elements; it may have at most 2147483632");
    CHECK(message_of("input 8x8x1\noutptu 8x8x1\n") == "n.castnet:2: error: there is no statement 'outptu'; did you mean output?");
    CHECK(message_of("input 9999x9999x99\n") ==
          "n.castnet:1: error: the input would have 9898020099 elements; it may have at most 2147483632");
    CHECK(message_of("input 1x1x1\nencoder\nconv2d filters=9999 kernel=1\nconv2d filters=9999 kernel=3x7 padding=same\ndecoder\n"
                     "conv2d_transpose filters=9999 kernel=3x7 padding=same\n") ==
          "n.castnet:6: error: the list of all weights would have 4199200064 elements; it may have at most 2147483632");
    CHECK(message_of("input 8x8x1\nconv2d filters=1 kernel=1\n") ==
          "n.castnet:2: error: 'conv2d' stands in no part; write encoder before the first layer");
    CHECK(message_of("input 8x8x1\ndecoder\n") ==
          "n.castnet:2: error: decoder comes before the encoder; write encoder and its layers first");
    CHECK(message_of("input 8x8x1\nencoder conv2d\n") ==
          "n.castnet:2: error: 'conv2d' does not belong behind encoder; begin a line of its own");
    CHECK(message_of("input 8x8x1\nencoder\ndecoder\n") ==
          "n.castnet:3: error: the encoder has no layers; write encoder, and below it a layer, as conv2d filters=32 kernel=3");
    CHECK(message_of("input 8x8x1\nencoder\nconv2d filters=1 kernel=1\n") ==
          "n.castnet:3: error: the decoder has no layers; write decoder, and below it a layer, as conv2d filters=32 kernel=3");
    CHECK(message_of("input 8x8x1\nencoder\nconv2d filters=1 kernel=1 name=a\ndecoder\nconv2d filters=1 kernel=1 name=a\n") ==
          "n.castnet:5: error: the name a is taken by line 3; give another with name=");
    using namespace std::string_literals;
    CHECK(message_of("input 8x8x1\n\0\x1b[31m\n"s).find('\x1b') == std::string::npos);
    for (const char *name : {"test", "class", "castnet"}) {
        const std::string file = "x/" + std::string(name) + ".castnet";
        CHECK(message_of("", file).starts_with(file + ": error: the network's name '"));
        CHECK(message_of("", file).ends_with("' is taken; call the file otherwise"));
    }
    CHECK(message_of("", "A.castnet") ==
          "A.castnet: error: the network's name 'A' is not a name; use small letters, digits and _, a letter first, 64 at most");
    std::string layers = "input 1x1x1\nencoder\n";
    for (int l = 0; l < 1001; l++) layers += "conv2d filters=1 kernel=1\n";
    CHECK(message_of(layers) == "n.castnet:1003: error: there are more than 1000 layers; leave some out");
    CHECK(message_of(std::string((1U << 20U) + 1, ' ')) == "n.castnet: error: the text is larger than 1048576 bytes; is it a network's?");
}

TEST_CASE("language: a decoder that misses the input's shape is told the way there") {
    const auto same = [](int filters, const std::string &more = "") {
        return "conv2d_transpose filters=" + std::to_string(filters) + " kernel=3 stride=2 padding=same" + more + "\n";
    };
    const std::string down = "conv2d filters=4 kernel=3 stride=2 padding=same\n",
                      begin = "input 25x25x1\nencoder\n" + down + down + down + down + "decoder\n";
    CHECK(
        message_of(begin + same(4) + same(4) + same(4) + same(1)) ==
        "n.castnet:11: error: the decoder ends in 32x32x1, and the input is 25x25x1; write output=7x7 in line 9, output=13x13 in line 10, "
        "output=25x25 in line 11");
    CHECK(message_of(begin + same(4) + same(4, " output=7x7") + same(4, " output=13x13") + same(1, " output=25x25")) == "");
    const auto ends_with = [](const std::string &geometry, const std::string &input, const std::string &change) {
        const std::string text = "input " + input + "\nencoder\nconv2d filters=4 " + geometry + "\ndecoder\nconv2d_transpose filters=1 ";
        CAPTURE(input);
        CHECK(message_of(text + geometry).ends_with("the input is " + input + "; " + change + " in line 5 would end there"));
        CHECK(message_of(text + geometry + " " + change) == "");
    };
    ends_with("kernel=3 stride=2", "74x74x1", "output=74x74");
    ends_with("kernel=1x3 stride=1x2", "1x74x1", "output=1x74");
    ends_with("kernel=11 stride=3", "250x250x1", "output=250x250");
    const auto change_of = [](const std::string &last) {
        const std::string message = message_of("input 28x28x3\nencoder\nconv2d filters=4 kernel=2 stride=2\ndecoder\n" + last);
        return message.substr(message.find("; ") + 2);
    };
    CHECK(change_of("conv2d_transpose filters=1 kernel=2 stride=2") == "filters=3 in line 5 would end there");
    CHECK(change_of("conv2d_transpose filters=3 kernel=3 stride=2") == "kernel=2 in line 5 would end there");
    CHECK(change_of("conv2d_transpose filters=1 kernel=3 stride=2") == "filters=3 kernel=2 in line 5 would end there");
    CHECK(change_of("conv2d_transpose filters=3 kernel=3 stride=3 padding=same") == "stride=2 in line 5 would end there");
    CHECK(change_of("dense units=3") == "units=2352 in line 5, and reshape 28x28x3 below it, would end there");
    CHECK(change_of("dense units=2352") == "reshape 28x28x3 below line 5 would end there");
    CHECK(change_of("dense units=2352\nreshape 3x28x28") == "reshape 28x28x3 below line 5 would end there");
    CHECK(message_of("input 1x1x9\nencoder\ndense units=4\ndecoder\ndense units=8") ==
          "n.castnet:5: error: the decoder ends in 1x1x8, and the input is 1x1x9; units=9 in line 5 would end there");
    CHECK(change_of("conv2d filters=3 kernel=3") == "choose kernels, strides and output= so that it ends there");
}

TEST_CASE("language: an output is the shape in which the decoder ends, instead of the input's") {
    const std::string begin = "encoder\nconv2d filters=4 kernel=3 stride=2 padding=same\ndecoder\n",
                      end = "conv2d_transpose filters=3 kernel=3 stride=2 padding=same\n";
    CHECK(read("input 8x8x3\n" + begin + end).output == Shape{8, 8, 3});
    const Architecture coloured = read("input 8x8x1\noutput 8x8x3\n" + begin + end);
    CHECK(coloured.input == Shape{8, 8, 1});
    CHECK(coloured.output == Shape{8, 8, 3});
    const std::vector<LayerDescription> layers = coloured.descriptions();
    CHECK(coloured.description(layers).output == Shape{8, 8, 3});
    CHECK(read("input 8x8x1\n" + begin + end + "output 8x8x3\n").output == Shape{8, 8, 3});  // like the loss, in any place below the input
    const auto ends_with = [&](const std::string &output, const std::string &decoder, const std::string &reached,
                               const std::string &advice) {
        CHECK(message_of("input 8x8x3\noutput " + output + "\n" + begin + decoder) ==
              "n.castnet:6: error: the decoder ends in " + reached + ", and the output is " + output + "; " + advice);
    };
    ends_with("8x8x1", end, "8x8x3", "filters=1 in line 6 would end there");
    ends_with("16x16x3", end, "8x8x3", "stride=4 in line 6 would end there");
    ends_with("7x8x3", end, "8x8x3", "output=7x8 in line 6 would end there");
    ends_with("2x2x2", "dense units=5", "1x1x5", "units=8 in line 6, and reshape 2x2x2 below it, would end there");
    ends_with("2x2x2", "dense units=8", "1x1x8", "reshape 2x2x2 below line 6 would end there");
    // Advice for several layers mirrors the encoder, but for the last, which makes the output.
    const std::string down = "conv2d filters=4 kernel=3 stride=2 padding=same\n",
                      up = "conv2d_transpose filters=3 kernel=3 stride=2 padding=same\n";
    CHECK(message_of("input 5x5x1\noutput 6x5x3\nencoder\n" + down + down + "decoder\n" + up + up) ==
          "n.castnet:8: error: the decoder ends in 8x8x3, and the output is 6x5x3; write output=3x3 in line 7, output=6x5 in line 8");
}

TEST_CASE("language: edit distances") {
    CHECK(edit_distance("kitten", "sitting") == 3);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance("filters", "filters") == 0);
    CHECK(edit_distance("fitlers", "filters") == 2);
}

}  // namespace
}  // namespace castnet::test

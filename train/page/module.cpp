// The WebAssembly module of a page: a network and a run of its training, as functions that JavaScript calls (network.js). Where a function
// returns an int that is not 0, or a NaN, error_message() says why. The build defines the network's name and header.
#include CASTNET_NETWORK_HEADER

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace description = CASTNET_NETWORK;

static_assert(description::input == description::output, "a page trains networks that reproduce their input");

/// Where a run stands: all of it but the weights and their moments.
struct Position {
    std::int64_t steps = 0;
    std::uint64_t shuffle = 0;  ///< the generator's state from which the epoch's order comes
    double weighted_loss = 0;   ///< of the epoch's images so far
    std::uint32_t epoch = 0, image = 0;
};

/// A run of training, as the program train goes through its data: in a new order each epoch.
class Run {
public:
    Run(std::uint64_t seed, int batch_size) : random_(seed), model_({.batch_size = batch_size, .seed = seed}) {
        if (model_.is_ready()) model_.initialize(random_);
        begin_epoch(0);
    }

    description::Autoencoder &model() { return model_; }
    [[nodiscard]] const Position &position() const { return position_; }

    /// Takes the images that it trains on from now on, and begins the epoch again.
    void take(castnet::ImageView images, std::size_t count) {
        examples_ = {.images = images, .targets = images};
        order_.resize(count);
        begin_epoch(position_.epoch);
    }
    void begin_epoch(std::uint32_t epoch) {
        position_ = {.steps = model_.optimizer().steps, .shuffle = random_.state(), .epoch = epoch};
        shuffle_order();
    }

    /// Takes one step, and returns its loss.
    double step() {
        constexpr double failed = std::numeric_limits<double>::quiet_NaN();
        if (order_.empty()) {
            model_.network().refuse("there are no images to train on");
            return failed;
        }
        if (position_.image == order_.size()) begin_epoch(position_.epoch);
        const std::size_t images = std::min(static_cast<std::size_t>(model_.network().batch_size()), order_.size() - position_.image);
        const castnet::Batch batch = castnet::Batch::of(examples_, std::span(order_).subspan(position_.image, images));
        const castnet::StepResult result = model_.step_on(batch);
        if (result.error != 0) return failed;
        position_.steps = model_.optimizer().steps;
        position_.image += static_cast<std::uint32_t>(images);
        position_.weighted_loss += result.loss * static_cast<double>(images);
        if (position_.image == order_.size()) position_.epoch++;
        return result.loss;
    }

    /// Goes on from another run's position, whose weights and moments are there already.
    bool resume(const Position &position) {
        if (position.image > order_.size()) return false;
        position_ = position;
        model_.optimizer().steps = position.steps;
        shuffle_order();
        return true;
    }

private:
    void shuffle_order() {
        random_ = castnet::Random(position_.shuffle);
        std::iota(order_.begin(), order_.end(), 0U);
        castnet::shuffle(order_, random_);
    }

    castnet::Random random_;
    description::Autoencoder model_;
    castnet::Examples examples_;
    std::vector<std::uint32_t> order_;
    Position position_;
};

std::optional<Run> run;

/// Calls visit with the values of each tensor that a state holds, weights, then the moments, and where they begin in it, behind the
/// position. Returns the state's bytes.
template <typename Visit>
std::size_t visit_state(const Visit &visit) {
    using castnet::Block;
    std::size_t begin = sizeof(Position);
    for (const Block block : {Block::weights, Block::moments_1, Block::moments_2}) {
        for (const castnet::Network::Tensor &tensor : run->model().network().tensors(block)) {
            visit(tensor.values, begin);
            begin += tensor.values.size_bytes();
        }
    }
    return begin;
}

/// Appends the parts to a text. GCC warns without reason of their sum by `+`.
void append(std::string &text, std::initializer_list<std::string_view> parts) {
    for (const std::string_view part : parts) text.append(part);
}

std::string list(std::span<const std::size_t> numbers) {
    std::string text = "[";
    for (const std::size_t number : numbers) append(text, {text.size() > 1 ? "," : "", std::to_string(number)});
    return text.append("]");
}

std::string list(const castnet::Shape &shape) {
    const auto [height, width, channels] = shape;
    return list(std::array{static_cast<std::size_t>(height), static_cast<std::size_t>(width), static_cast<std::size_t>(channels)});
}

/// Returns a JSON object with the network's name, shapes, layers as model files have them, and tensors. No text in it has quotes.
std::string describe() {
    const castnet::NetworkDescription &network = description::network;
    std::string text;
    append(text, {R"({"name":")", network.name, R"(","loss":")", network.loss, R"(","input":)", list(network.input), R"(,"code":)",
                  list(network.code), R"(,"encoder_layers":)", std::to_string(network.encoder_layers), R"(,"layers":[)"});
    const char *separator = "";
    for (const castnet::LayerDescription &layer : network.layers) {
        append(text, {separator, "\"", layer.canonical, "\""});
        separator = ",";
    }
    text.append(R"(],"tensors":[)");
    separator = "";
    for (const castnet::TensorDescription &tensor : network.tensors()) {
        append(text, {separator, R"({"name":")", tensor.layer, "/", tensor.kind, R"(","shape":)", list(tensor.shape()), "}"});
        separator = ",";
    }
    return text.append("]}");
}

}  // namespace

extern "C" {

/// Returns memory of the module, for what JavaScript passes and receives; null if there is none left.
void *allocate(std::size_t bytes) {
    return std::malloc(bytes);
}
void release(void *memory) {
    std::free(memory);
}

const char *description() {
    static const std::string text = describe();
    return text.c_str();
}
const char *error_message() {
    return run->model().error_message();
}

/// Begins a run with new weights.
int begin(std::uint32_t seed, int batch_size) {
    run.emplace(seed, batch_size);
    return run->model().is_ready() ? 0 : -1;
}

/// Trains on `count` images from now on, which stay where they are: bytes that stand for value / 255, or floats.
void train_on_bytes(const std::uint8_t *images, std::size_t count) {
    run->take({images, description::input.size()}, count);
}
void train_on_floats(const float *images, std::size_t count) {
    run->take({images, description::input.size()}, count);
}

/// Takes one step, and returns its loss. The last step of an epoch may have a smaller batch.
double step() {
    return run->step();
}
/// Return how many epochs are done, how many images of the current one, and their mean loss: of the last one if the next has not begun.
std::uint32_t epochs_done() {
    return run->position().epoch;
}
std::uint32_t images_done() {
    return run->position().image;
}
double epoch_loss() {
    return run->position().weighted_loss / run->position().image;
}

int encode(const float *images, std::size_t count, float *codes) {
    return run->model().encode({images, count * description::input.size()}, {codes, count * description::network.code.size()});
}
int decode(const float *codes, std::size_t count, float *outputs) {
    return run->model().decode({codes, count * description::network.code.size()}, {outputs, count * description::input.size()});
}

/// Copy the weights in and out. load() begins a run with them, at its first epoch.
int load(const float *weights) {
    const int error = run->model().load({weights, description::parameter_count});
    if (error == 0) run->begin_epoch(0);
    return error;
}
int save(float *weights) {
    return run->model().save({weights, description::parameter_count});
}

/// Fills `values` with numbers of the generator, uniform in [0, 1).
void draw(std::uint32_t seed, float *values, std::size_t count) {
    castnet::Random random(seed);
    std::generate_n(values, count, [&] { return random.uniform(); });
}

/// Copy all that a run is in and out, so that it goes on to the very bits. Its data are given first, as they were.
std::size_t state_size() {
    return visit_state([](std::span<float>, std::size_t) {});
}
void save_state(std::byte *state) {
    std::memcpy(state, &run->position(), sizeof(Position));
    visit_state([&](std::span<float> values, std::size_t begin) { std::memcpy(state + begin, values.data(), values.size_bytes()); });
}
int load_state(const std::byte *state) {
    Position position;
    std::memcpy(&position, state, sizeof(Position));
    if (!run->resume(position)) return run->model().network().refuse("the run had other data");
    visit_state([&](std::span<float> values, std::size_t begin) { std::memcpy(values.data(), state + begin, values.size_bytes()); });
    return run->model().network().weights_changed();
}
}

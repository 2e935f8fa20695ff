#include "train/files/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "train/files/architecture.h"
#include "train/files/error.h"

namespace castnet {
namespace {

std::string name_of(const TensorDescription &tensor, std::string_view prefix = "") {
    return fmt::format("{}{}/{}", prefix, tensor.layer, tensor.kind);
}

void append(TensorFile &file, Network &network, Block block, std::string_view prefix = "") {
    for (const Network::Tensor &tensor : network.tensors(block)) {
        const auto shape = tensor.shape();
        file.tensors.push_back({name_of(tensor, prefix), {shape.begin(), shape.end()}, {tensor.values.begin(), tensor.values.end()}});
    }
}

/// Copies the file's tensors with the prefix into the network's. They must be there.
void copy(const TensorFile &file, Network &network, Block block, std::string_view prefix = "") {
    for (const Network::Tensor &tensor : network.tensors(block))
        std::ranges::copy(file.find(name_of(tensor, prefix))->values, tensor.values.begin());
}

/// A block of moments, and what their names in a checkpoint begin with.
struct Moments {
    Block block;
    std::string_view prefix;
};

constexpr std::array adams_moments{Moments{Block::moments_1, "adam/m/"}, Moments{Block::moments_2, "adam/v/"}};
constexpr std::array velocities{Moments{Block::moments_1, "sgd/v/"}};

std::span<const Moments> moments_of(const Optimizer &optimizer) {
    if (optimizer.kind == Optimizer::Kind::adam) return adams_moments;
    return std::span(velocities).first(static_cast<std::size_t>(optimizer.slots()));
}

}  // namespace

TensorFile weights_of(Autoencoder &model) {
    TensorFile file;
    file.metadata = architecture_of(model.description());
    append(file, model.network(), Block::weights);
    return file;
}

TensorFile gradients_of(Autoencoder &model) {
    TensorFile file;
    append(file, model.network(), Block::gradients);
    return file;
}

namespace {

constexpr const char *data_key = "data", *targets_key = "targets";  // of the metadata: "data path", …
constexpr std::string_view option_prefix = "option ", best_prefix = "best/", self_test_prefix = "self_test/";

/// Returns whether the tensor has the prefix. An empty one means the weights themselves, which have none of the prefixes.
bool belongs_to(const Tensor &tensor, std::string_view prefix) {
    const auto begins_with = [&](std::string_view other) { return tensor.name.starts_with(other); };
    return prefix.empty()
               ? std::ranges::none_of(std::array<std::string_view, 4>{best_prefix, "adam/", "sgd/", self_test_prefix}, begins_with)
               : begins_with(prefix);
}

/// A file that was read, and the errors about it.
class ModelFile {
public:
    /// Reads the file. Throws Error, also if its metadata describe another network.
    ModelFile(const NetworkDescription &description, std::filesystem::path path, Use use)
        : description_(&description), path_(std::move(path)), use_(use), file_(read_safetensors(path_)) {
        const std::string other = difference(description, file_.metadata, use);
        if (!other.empty()) throw error(other);
    }

    /// Throws Error unless the network's tensors with `prefix`, and no others, are there, finite and in their shapes.
    void check(std::string_view prefix = "", Tensors which = Tensors::all) const {
        for (const TensorDescription &wanted : description_->tensors(which)) {
            const std::string name = name_of(wanted, prefix);
            const Tensor *tensor = file_.find(name);
            if (tensor == nullptr) throw error(fmt::format("holds no {}", name));
            if (!std::ranges::equal(tensor->shape, wanted.shape()))
                throw error(fmt::format("holds {} of shape ({}) where ({}) is needed", name, fmt::join(tensor->shape, ", "),
                                        fmt::join(wanted.shape(), ", ")));
            if (!all_finite(tensor->values)) throw error(fmt::format("holds {} with infinite or NaN numbers", name));
        }
        const auto belongs = [&](const Tensor &tensor) { return belongs_to(tensor, prefix); };
        if (static_cast<std::size_t>(std::ranges::count_if(file_.tensors, belongs)) != description_->tensors(which).size())
            throw error("holds more layers than the network has");
    }

    /// Returns the number under `key` in the metadata. Throws Error.
    template <typename Number>
    [[nodiscard]] Number number(const std::string &key) const {
        const auto entry = file_.metadata.find(key);
        if (entry == file_.metadata.end()) throw error(fmt::format("holds no {}, so it is no checkpoint", key));
        Number value{};
        const char *end = entry->second.data() + entry->second.size();
        const auto [rest, failure] = std::from_chars(entry->second.data(), end, value);
        if (failure != std::errc() || rest != end || value < 0)
            throw error(fmt::format("holds {} '{}', which is no number", key, entry->second));
        return value;
    }

    /// Returns the text under `key` in the metadata; "" if there is none.
    [[nodiscard]] std::string text(const std::string &key) const {
        const auto entry = file_.metadata.find(key);
        return entry == file_.metadata.end() ? "" : entry->second;
    }

    [[nodiscard]] Error error(const std::string &what) const {
        const std::string advice = use_ == Use::resume ? "resume it with the network that began it, or begin another run"
                                                       : fmt::format("give a file of the network {}", description_->name);
        return Error(fmt::format("{}: {}; {}", path_.string(), what, advice));
    }
    [[nodiscard]] const TensorFile &contents() const { return file_; }

private:
    const NetworkDescription *description_;
    std::filesystem::path path_;
    Use use_;
    TensorFile file_;
};

const std::string self_test_input = std::string(self_test_prefix) + "input", self_test_output = std::string(self_test_prefix) + "output";

std::vector<std::size_t> shape_of_one(const Shape &shape) {
    return {1, static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.width), static_cast<std::size_t>(shape.channels)};
}

/// Returns the reconstruction of one image. Throws Error.
std::vector<float> reconstruct_one(Autoencoder &model, std::span<const float> image) {
    std::vector<float> output(model.description().output.size());
    if (model.reconstruct(image, output) != 0) throw Error(model.error_message());
    return output;
}

/// Throws Error if the file holds a self-test and the model, which has the file's weights, does not pass it.
void check_self_test(Autoencoder &model, const ModelFile &file) {
    const Tensor *input = file.contents().find(self_test_input), *want = file.contents().find(self_test_output);
    if (input == nullptr && want == nullptr) return;  // another program's file
    if (input == nullptr || want == nullptr || input->shape != shape_of_one(model.description().input) ||
        want->shape != shape_of_one(model.description().output))
        throw file.error("holds a self-test that is not one image and its output");
    const std::vector<float> got = reconstruct_one(model, input->values);
    // Machines and schedules round differently. Another activation, stride or padding differs by far more.
    float scale = 0;
    for (const float value : want->values) scale = std::max(scale, std::abs(value));
    const float allowed = 1e-3F * scale + 1e-6F;
    for (std::size_t i = 0; i < got.size(); i++) {
        if (!(std::abs(got[i] - want->values[i]) <= allowed))
            throw file.error(fmt::format(
                "does not pass its self-test: element {} of the output is {} here and was {} where the model was saved, so that "
                "the network differs",
                i, got[i], want->values[i]));
    }
}

/// Returns the identity that the file keeps under `key`, if there is one. Throws Error.
std::optional<DataIdentity> identity_in(const ModelFile &file, const std::string &key) {
    const auto path = file.contents().metadata.find(key + " path");
    if (path == file.contents().metadata.end()) return std::nullopt;
    return DataIdentity{.path = path->second,
                        .images = file.number<std::size_t>(key + " images"),
                        .checksum = file.number<std::uint32_t>(key + " checksum")};
}

void keep_identity(Metadata &metadata, const std::string &key, const std::optional<DataIdentity> &identity) {
    if (!identity) return;
    metadata[key + " path"] = identity->path;
    metadata[key + " images"] = std::to_string(identity->images);
    metadata[key + " checksum"] = std::to_string(identity->checksum);
}

TrainingState state_of(const ModelFile &file) {
    TrainingState state{.epoch = file.number<int>("epoch"),
                        .image = file.number<std::size_t>("image"),
                        .weighted_loss = file.number<double>("weighted_loss"),
                        .shuffle = file.number<std::uint64_t>("shuffle"),
                        .best_epoch = file.number<int>("best_epoch"),
                        .best_loss = file.number<double>("best_loss"),
                        .best_weights = {},
                        .options = {},
                        .data = identity_in(file, data_key),
                        .targets = identity_in(file, targets_key),
                        .level = file.text("level")};
    for (const auto &[key, value] : file.contents().metadata) {
        if (key.starts_with(option_prefix)) state.options[key.substr(option_prefix.size())] = value;
    }
    for (const Tensor &tensor : file.contents().tensors) {
        if (!belongs_to(tensor, best_prefix)) continue;
        state.best_weights.tensors.push_back({tensor.name.substr(best_prefix.size()), tensor.shape, tensor.values});
    }
    if (!state.best_weights.tensors.empty()) file.check(best_prefix);
    return state;
}

void set_weights(Autoencoder &model, const ModelFile &file) {
    copy(file.contents(), model.network(), Block::weights);
    if (model.network().weights_changed() != 0) throw file.error(model.error_message());
}

}  // namespace

void restore_weights(Autoencoder &model, const TensorFile &weights) {
    copy(weights, model.network(), Block::weights);
    if (model.network().weights_changed() != 0) throw Error(model.error_message());
}

void save_model(Autoencoder &model, const std::filesystem::path &path) {
    TensorFile file = weights_of(model);
    Random random(0);
    Tensor input{.name = self_test_input, .shape = shape_of_one(model.description().input), .values = {}};
    input.values.resize(model.description().input.size());
    std::ranges::generate(input.values, [&] { return random.uniform(); });
    file.tensors.push_back({self_test_output, shape_of_one(model.description().output), reconstruct_one(model, input.values)});
    file.tensors.push_back(std::move(input));
    write_safetensors(path, file);
}

void load_model(Autoencoder &model, const std::filesystem::path &path) {
    const ModelFile file(model.description(), path, Use::weights);
    file.check();
    const TensorFile before = weights_of(model);
    set_weights(model, file);
    try {
        check_self_test(model, file);
    } catch (...) {
        restore_weights(model, before);
        throw;
    }
    model.optimizer().begin_anew(model.network());
}

void save_checkpoint(Autoencoder &model, const TrainingState &state, const std::filesystem::path &path) {
    TensorFile file = weights_of(model);
    file.metadata["step"] = std::to_string(model.optimizer().steps);
    file.metadata["epoch"] = std::to_string(state.epoch);
    file.metadata["image"] = std::to_string(state.image);
    file.metadata["weighted_loss"] = fmt::format("{}", state.weighted_loss);
    file.metadata["shuffle"] = std::to_string(state.shuffle);
    file.metadata["best_epoch"] = std::to_string(state.best_epoch);
    file.metadata["best_loss"] = fmt::format("{}", state.best_loss);
    if (!state.level.empty()) file.metadata["level"] = state.level;
    keep_identity(file.metadata, data_key, state.data);
    keep_identity(file.metadata, targets_key, state.targets);
    for (const auto &[name, value] : state.options) file.metadata[std::string(option_prefix) + name] = value;
    for (const auto &[block, prefix] : moments_of(model.optimizer())) append(file, model.network(), block, prefix);
    for (const Tensor &tensor : state.best_weights.tensors)
        file.tensors.push_back({std::string(best_prefix) + tensor.name, tensor.shape, tensor.values});
    write_safetensors(path, file);
}

TrainingState read_state(const NetworkDescription &description, const std::filesystem::path &path) {
    return state_of(ModelFile(description, path, Use::resume));
}

TrainingState load_checkpoint(Autoencoder &model, const std::filesystem::path &path) {
    const ModelFile file(model.description(), path, Use::resume);
    file.check();
    for (const Moments &moments : moments_of(model.optimizer())) file.check(moments.prefix, Tensors::learned);
    TrainingState state = state_of(file);
    const auto steps = file.number<std::int64_t>("step");
    for (const auto &[block, prefix] : moments_of(model.optimizer())) copy(file.contents(), model.network(), block, prefix);
    set_weights(model, file);
    model.optimizer().steps = steps;
    return state;
}

}  // namespace castnet

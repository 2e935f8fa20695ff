// Fuzzes checkpoints of a small network. It has no pipelines; only its tensors are set.
#include "train/files/model_file.h"

#include <array>
#include <bit>

#include "tests/fuzz/checksum.h"

namespace castnet::fuzz {
namespace {

constexpr auto layers = std::to_array<LayerDescription>({
    {.name = "conv2d",
     .text = "conv2d filters=2 kernel=1",
     .canonical = "conv2d filters=2 kernel=1x1 name=conv2d",
     .kind = LayerKind::conv2d,
     .input = {1, 2, 1},
     .output = {1, 2, 2}},
    {.name = "last",
     .text = "conv2d_transpose filters=1 kernel=1 name=last",
     .canonical = "conv2d_transpose filters=1 kernel=1x1 name=last",
     .kind = LayerKind::conv2d_transpose,
     .input = {1, 2, 2},
     .output = {1, 2, 1}},
});
constexpr NetworkDescription description{
    .name = "fuzz", .layers = layers, .encoder_layers = 1, .input = {1, 2, 1}, .code = {1, 2, 2}, .output = {1, 2, 1}};

bool is_same(const TrainingState &a, const TrainingState &b) {
    const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
    return a.epoch == b.epoch && a.image == b.image && a.shuffle == b.shuffle && a.best_epoch == b.best_epoch &&
           bits(a.weighted_loss) == bits(b.weighted_loss) && bits(a.best_loss) == bits(b.best_loss) && a.options == b.options &&
           a.data == b.data && a.level == b.level && a.best_weights.tensors.size() == b.best_weights.tensors.size();
}

/// A model that must load its own checkpoint, so that a reader which refuses everything is noticed.
struct SoundModel : Autoencoder {
    SoundModel() : Autoencoder(fuzz::description, {.batch_size = 1}) {
        save_checkpoint(*this, {}, folder() / "input");
        load_checkpoint(*this, folder() / "input");
    }
};

}  // namespace
}  // namespace castnet::fuzz

// What the network calls of Halide's runtime.
extern "C" {
halide_error_handler_t halide_set_error_handler(halide_error_handler_t handler) {
    return handler;
}
int halide_do_par_for(void *context, halide_task_t task, int min, int size, std::uint8_t *closure) {
    int error = 0;
    for (int i = min; i < min + size && error == 0; i++) error = task(context, i, closure);
    return error;
}
}

int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    using namespace castnet;
    static fuzz::SoundModel model;
    const fuzz::Path path = fuzz::input_file({data, size});
    TrainingState state;
    const bool has_state = fuzz::reads(size, [&] { state = read_state(fuzz::description, path); });
    if (!fuzz::reads(size, [&] { state = load_checkpoint(model, path); })) return 0;
    fuzz::require(has_state, "the state is read with the weights only");
    if (!state.best_weights.tensors.empty()) restore_weights(model, state.best_weights);
    save_checkpoint(model, state, path);
    const std::string saved = test::read_plain(path);
    fuzz::require(fuzz::is_same(load_checkpoint(model, path), state), "what was saved is not what is loaded");
    save_checkpoint(model, state, path);
    fuzz::require(test::read_plain(path) == saved, "what was loaded is not saved as it was");
    return 0;
}

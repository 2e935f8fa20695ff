#include "train/exploring.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>

#include "runtime/parallel.h"
#include "runtime/target.h"
#include "train/anomalies.h"
#include "train/console/summary.h"
#include "train/console/terminal.h"
#include "train/data/npy_images.h"
#include "train/exporting.h"
#include "train/files/csv.h"
#include "train/files/error.h"
#include "train/files/file.h"
#include "train/files/model_file.h"
#include "train/inference.h"
#include "train/machine/threads.h"
#include "train/options/checked_option.h"
#include "train/options/code_option.h"
#include "train/options/data_options.h"
#include "train/options/level_option.h"
#include "train/program.h"
#include "train/report/figures.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t most_images = std::numeric_limits<std::uint32_t>::max();

struct ExploreOptions {
    DataOptions data;
    Path model, images, codes, out, csv, plot, onnx, header;
    std::string part = "all";
    std::vector<float> at;
    std::size_t index = 6;  // the reference notebook's digit
    std::size_t samples = 0;
    std::optional<std::string> normal;
    AnomalyOptions anomalies;
    int threads = default_threads();
    std::string level;
};

/// Reads grids of `shape`; scales bytes to [0, 1].
std::vector<float> read_grids(const Path &path, const Shape &shape) {
    const Dataset grids = read_npy_images(path, shape);
    return grids.gather(all_indices(grids.size()));
}

/// A model with the weights of options.model. The constructor throws Error.
struct LoadedModel : Autoencoder {
    LoadedModel(const NetworkDescription &description, const ExploreOptions &options, Purpose purpose = Purpose::inference,
                std::size_t batch_size = 256)
        : Autoencoder(description, {.batch_size = static_cast<int>(batch_size), .threads = options.threads, .purpose = purpose}) {
        if (!is_ready()) throw Error(error_message());
        use_threads(options.threads);
        load_model(*this, options.model);
    }
};

void evaluate(const NetworkDescription &description, const ExploreOptions &options) {
    LoadedModel model(description, options);
    options.data.announce_substitute();
    const Pairs test = options.data.load(Part::test, description, warn);
    check_targets(test, description);
    fmt::print("{} on {} test images: {:.6g}\n", loss_name(description), test.size(), mean_loss(model, test, all_indices(test.size())));
}

void write_grids(const Path &file, const Shape &shape, std::span<const float> values) {
    write_npy_images(file, shape, values);
    print_written(file);
}

void write_mosaic(const Path &file, const Mosaic &mosaic, const std::string &title) {
    draw_mosaic(file, mosaic, title);
    print_written(file);
}

/// Loads the images to work on: those of --images, or the test images of --data.
Pairs chosen_images(const NetworkDescription &description, const ExploreOptions &options) {
    if (!options.images.empty()) return options.data.pair(read_npy_images(options.images, description.input), description);
    options.data.announce_substitute();
    return options.data.load(Part::test, description, warn);
}

void reconstruct_images(const NetworkDescription &description, const ExploreOptions &options) {
    LoadedModel model(description, options);
    const Pairs chosen = chosen_images(description, options);
    std::vector<std::uint32_t> indices = all_indices(chosen.size());
    if (options.images.empty()) {
        if (options.index >= chosen.size())
            throw Error(fmt::format("--index {}: there are {} test images; give 0 to {}", options.index, chosen.size(), chosen.size() - 1));
        indices = {static_cast<std::uint32_t>(options.index)};
    }
    const std::vector<float> outputs = reconstruct(model, chosen.inputs_at(indices));
    if (!options.out.empty()) write_grids(options.out, description.output, outputs);
    if (!options.plot.empty())
        write_mosaic(options.plot,
                     comparison(chosen, std::span(indices).first(std::min<std::size_t>(12, indices.size())), description.output, outputs),
                     "Images, and what the network makes of them");
    if (!has_targets(chosen, description)) {
        fmt::print("{} reconstructed; their loss needs --targets\n", indices.size());
        return;
    }
    fmt::print("{} of {} reconstructed: {:.6g}\n", loss_name(description), indices.size(), mean_loss(model, chosen, indices));
}

void encode_images(const NetworkDescription &description, const ExploreOptions &options) {
    if (options.out.empty() && options.csv.empty() && options.plot.empty())
        throw Error("encode: nothing to write; give --out z.npy, --csv z.csv or --plot latent.png");
    LoadedModel model(description, options);
    const Dataset chosen = chosen_images(description, options).images;
    const std::size_t count = options.samples > 0 ? std::min(options.samples, chosen.size()) : chosen.size();
    const std::vector<float> images = chosen.gather(all_indices(count));
    const std::vector<float> codes = encode(model, images);
    const std::size_t size = description.code.size();
    if (!options.out.empty()) write_grids(options.out, description.code, codes);
    if (!options.plot.empty()) {
        draw_latent(options.plot, latent_points(PrincipalPlane(codes, size), codes, chosen.labels, chosen.class_names));
        print_written(options.plot);
    }
    if (options.csv.empty()) return;
    std::string text = "label";
    for (std::size_t i = 0; i < size; i++) text += fmt::format(",z{}", i);
    for (std::size_t i = 0; i < count; i++) {
        text += "\n" + csv_label(chosen, i);
        for (const float value : std::span(codes).subspan(i * size, size)) text += fmt::format(",{}", value);
    }
    write_file(options.csv, text + "\n");
    print_written(options.csv);
}

void decode_codes(const NetworkDescription &description, const ExploreOptions &options) {
    if (options.out.empty() && options.plot.empty()) throw Error("decode: nothing to write; give --out y.npy or --plot y.png");
    if (options.codes.empty()) check_code(description, options.at);
    const std::vector<float> codes = options.codes.empty() ? options.at : read_grids(options.codes, description.code);
    LoadedModel model(description, options);
    std::vector<float> images = decode(model, codes);
    if (!options.out.empty()) write_grids(options.out, description.output, images);
    if (options.plot.empty()) return;
    const auto columns = static_cast<int>(std::min<std::size_t>(10, images.size() / description.output.size()));
    draw_codes(options.plot, {.shape = description.output, .images = std::move(images), .columns = columns}, codes);
    print_written(options.plot);
}

void find_anomalies(const NetworkDescription &description, const ExploreOptions &options) {
    LoadedModel model(description, options);
    options.data.announce_substitute();
    const Path data = find_data(options.data.path);
    const std::vector<int> normal =
        parse_classes("--normal", options.normal.value_or(options.data.default_classes), read_class_names(data));
    const Pairs train = options.data.load(Part::train, description, normal);
    const Pairs judged = options.images.empty() ? options.data.load(Part::test, description, std::vector<int>())
                                                : options.data.pair(read_npy_images(options.images, description.input), description);
    for (const Pairs *pairs : {&train, &judged}) check_targets(*pairs, description);
    if (options.normal && !normal.empty() && train.images.labels.empty() && judged.images.labels.empty())
        refuse_classes("--normal", *options.normal, train.images.missing_labels);
    if (!normal.empty() && !train.images.missing_labels.empty())
        warn(fmt::format("{} is missing, so all training images are taken as normal", train.images.missing_labels.string()));
    if (!normal.empty() && !judged.images.missing_labels.empty())
        warn(fmt::format("{} is missing, so no image is known to be normal or anomalous", judged.images.missing_labels.string()));
    detect_anomalies(model, train, judged, normal, options.anomalies);
}

void export_model(const NetworkDescription &description, const ExploreOptions &options) {
    if (options.onnx.empty() && options.header.empty())
        throw Error("export: nothing to write; give --onnx model.onnx or --header weights.h");
    LoadedModel model(description, options);
    const std::size_t code = description.encoder_layers, end = description.layers.size();
    if (!options.onnx.empty()) {
        export_onnx(model, options.part == "decoder" ? code : 0, options.part == "encoder" ? code : end, options.onnx);
        print_written(options.onnx);
    }
    if (options.header.empty()) return;
    export_header(model, options.header);
    print_written(options.header);
}

void write_gradients(const NetworkDescription &description, const ExploreOptions &options) {
    const std::vector<float> images = read_grids(options.images, description.input),
                             targets = read_grids(options.data.targets, description.output);
    const std::size_t count = images.size() / description.input.size();
    if (targets.size() / description.output.size() != count)
        throw Error(fmt::format("{}: has {} targets for {} images; give one for each", options.data.targets,
                                targets.size() / description.output.size(), count));
    LoadedModel model(description, options, Purpose::training, count);
    Network &network = model.network();
    const StepResult result = network.backward(Batch::of(images, targets, static_cast<int>(count)));
    bool failed = result.error != 0;
    for (std::size_t l = 0; l < description.layers.size(); l++) failed = failed || network.sum_gradients(l) != 0;
    if (failed) throw Error(network.error_message());
    TensorFile file = gradients_of(model);
    file.tensors.push_back({.name = "loss", .shape = {}, .values = {static_cast<float>(result.loss)}});
    write_safetensors(options.out, file);
    print_written(options.out);
    fmt::print("loss {:.6g}\n", result.loss);
}

}  // namespace

int explore_main(int argc, char **argv, const std::string &program, std::span<const NetworkDescription> levels,
                 const std::string &classes) {
    CLI::App app(fmt::format("Inspects the network {} and its models.", levels.front().name), program);
    app.require_subcommand(1);
    ExploreOptions options;
    options.data.default_classes = classes;

    using Command = void (*)(const NetworkDescription &, const ExploreOptions &);
    const auto add = [&](const char *name, const char *help, Command command) {
        CLI::App *sub = app.add_subcommand(name, help);
        sub->add_option("--model", options.model, "Weights of the model")->type_name("MODEL.safetensors")->required();
        add_number(*sub, "--threads", options.threads, "Threads to use; the results are the same for any number", 1, 1024);
        add_level_option(*sub, options.level, levels);
        return std::pair{sub, command};
    };
    const auto add_path = [&](CLI::App *sub, const char *name, Path &path, const char *help) {
        return sub->add_option(name, path, help)->type_name("FILE");
    };
    CLI::App *summary = app.add_subcommand("summary", "Print the layers, shapes, parameters and pipelines");
    add_level_option(*summary, options.level, levels);
    const auto commands = {
        add("evaluate", "Print the loss on the test images", evaluate),
        add("reconstruct", "Reconstruct images by the whole network", reconstruct_images),
        add("encode", "Encode images", encode_images),
        add("decode", "Decode codes", decode_codes),
        add("anomalies", "Test how well reconstruction errors tell unusual images from normal ones", find_anomalies),
        add("export", "Export the model as an ONNX graph, or its weights as a C++ header", export_model),
        add("gradients", "Write the loss and its gradients by all weights, for a batch of images and targets", write_gradients)};
    const auto command = [&](const char *name) { return app.get_subcommand(name); };
    for (const char *name : {"evaluate", "reconstruct", "encode"}) options.data.add_to(*command(name));
    for (const char *name : {"evaluate", "reconstruct", "anomalies"}) options.data.add_targets_to(*command(name));
    for (const char *name : {"reconstruct", "encode", "anomalies"})
        add_path(command(name), "--images", options.images, "Images, a .npy of (n, h, w, c)");
    for (const char *name : {"reconstruct", "encode", "decode"}) {
        add_output(*command(name), "--out", options.out, "The .npy file to write", {".npy"});
        add_output(*command(name), "--plot", options.plot, "The picture to write, .png or .svg", {".png", ".svg"});
    }
    add_number(*command("reconstruct"), "--index", options.index, "Index of the test image", 0, most_images - 1);
    add_output(*command("encode"), "--csv", options.csv, "The CSV file to write, of label,z0,z1,…", {".csv"});
    add_number(*command("encode"), "--samples", options.samples, "Use only so many images, the first ones; 0 for all", 0, most_images);
    auto *at = add_code_option(*command("decode"), options.at, "One code, such as -8,0");
    add_path(command("decode"), "--codes", options.codes, "Codes, a .npy of (n, h, w, c)")->excludes(at);
    command("anomalies")->add_option("--data", options.data.path, "The data, as in train")->type_name("PATH");
    command("anomalies")
        ->add_option("--normal", options.normal, "Labels of the normal images, such as 2,3 or good, or all; other labels are anomalous")
        ->type_name("LIST")
        ->default_str(classes);
    add_number(*command("anomalies"), "--false-alarms", options.anomalies.false_alarm_rate,
               "Fraction of the normal training images above the threshold", 0, 1);
    command("anomalies")->add_option("--out", options.anomalies.out, "Folder for the scores and the figures")->type_name("DIR");
    add_output(*command("export"), "--onnx", options.onnx, "The ONNX file to write", {".onnx"});
    add_choice(*command("export"), "--part", options.part, "Part of the network in the ONNX file", {"all", "encoder", "decoder"});
    add_output(*command("export"), "--header", options.header, "The C++ header to write", {".h", ".hh", ".hpp"});
    add_path(command("gradients"), "--images", options.images, "Images, a .npy of (n, h, w, c)")->required();
    command("gradients")
        ->add_option("--targets", options.data.targets, "Target outputs, a .npy of (n, h, w, c)")
        ->type_name("FILE")
        ->required();
    add_output(*command("gradients"), "--out", options.out, "The .safetensors file to write", {".safetensors"})->required();

    return run_program(app, argc, argv, [&] {
        const NetworkDescription &description = *find_level(levels, options.level);
        if (summary->parsed()) fmt::print("{}", castnet::summary(description, terminal_width().value_or(unlimited_width)));
        for (const auto &[sub, run] : commands) {
            if (sub->parsed()) run(description, options);
        }
    });
}

}  // namespace castnet

#include "train/report/run_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "train/files/file.h"
#include "train/inference.h"
#include "train/report/figures.h"
#include "train/report/report_page.h"

namespace castnet {
namespace {

constexpr std::size_t scatter_images = 500, shown_images = 10;
constexpr int grid_side = 10;

/// Draws the indices of images at random, the same for every run on the same data.
std::vector<std::uint32_t> sample(const Pairs &test, std::size_t count) {
    Random random(0);
    std::vector<std::uint32_t> indices = all_indices(test.size());
    shuffle(indices, random);
    indices.resize(std::min(indices.size(), count));
    return indices;
}

/// Returns what the reconstruction's rows show.
std::string rows_shown(const Pairs &test) {
    return test.examples().reproduce() ? "what the network makes of them" : "what the network makes of them, and what it should";
}

Mosaic decoded(Autoencoder &model, const std::vector<float> &codes, int columns) {
    return {.shape = model.description().output, .images = decode(model, codes), .columns = columns};
}

/// Returns the codes of positions across the area, row by row, the highest first as in the plane.
std::vector<float> grid_codes(const PrincipalPlane &plane, const Area &area) {
    const auto along = [](double from, double to, int step) { return from + (to - from) * step / (grid_side - 1); };
    std::vector<float> codes;
    for (int row = 0; row < grid_side; row++) {
        for (int column = 0; column < grid_side; column++) {
            const std::vector<float> code = plane.at({along(area.low.x, area.high.x, column), along(area.high.y, area.low.y, row)});
            codes.insert(codes.end(), code.begin(), code.end());
        }
    }
    return codes;
}

/// Draws the scatter plot of test images, and images decoded from their plane. `chosen` is a code, or empty for a test image's.
std::vector<ReportFigure> draw_plane(Autoencoder &model, const Pairs &test, const RunDirectory &directory, std::vector<float> chosen) {
    const std::vector<std::uint32_t> indices = sample(test, scatter_images);
    const std::vector<float> codes = encode(model, test.inputs_at(indices));
    const std::size_t dimension = model.description().code.size();
    const PrincipalPlane plane(codes, dimension);
    std::vector<int> labels;
    if (!test.images.labels.empty())
        std::ranges::transform(indices, std::back_inserter(labels), [&](auto index) { return test.images.labels[index]; });
    const LatentPoints points = latent_points(plane, codes, std::move(labels), test.images.class_names);
    if (chosen.empty()) chosen.assign(codes.begin(), codes.begin() + static_cast<std::ptrdiff_t>(dimension));
    const Area area = middle_of(points.positions, 0.05);

    const ReportFigure latent{
        .title = "Latent space",
        .file = directory.figure("latent"),
        .caption = fmt::format("{} test images where the encoder puts them{}.{}", indices.size(),
                               points.labels.empty() ? "" : ", coloured by their labels",
                               points.projected ? fmt::format(" A code has {} {}: the axes are the first two principal components.",
                                                              dimension, dimension == 1 ? "number" : "numbers")
                                                : "")};
    const ReportFigure generated{.title = "Generated images",
                                 .file = directory.figure("generated"),
                                 .caption = fmt::format("The ring marks the code that the image beside it is decoded from, {}; below are "
                                                        "images decoded from points across the dashed rectangle.",
                                                        code_text(chosen, 400))};
    draw_latent(latent.file, points);
    draw_decoded(generated.file, points,
                 {.code = chosen,
                  .chosen = plane.project(chosen),
                  .image = decoded(model, chosen, 1),
                  .area = area,
                  .grid = decoded(model, grid_codes(plane, area), grid_side)});
    return {latent, generated};
}

}  // namespace

void write_report(Autoencoder &model, const Pairs &test, const RunDirectory &directory, const TrainOptions &options,
                  const std::vector<Epoch> &history) {
    Report report{.network = model.description(),
                  .options = options,
                  .history = history,
                  .test_loss = loss_on(model, test, all_indices(test.size()))};
    report.figures = {{.title = "Loss",
                       .file = directory.figure("loss"),
                       .caption = fmt::format("The mean loss of an epoch's batches ({}), taken while the weights change.",
                                              loss_name(model.description()))},
                      {.title = "Reconstruction",
                       .file = directory.figure("reconstruction"),
                       .caption = fmt::format("Test images drawn at random, and below them {}.", rows_shown(test))}};
    const std::vector<std::uint32_t> shown = sample(test, shown_images);
    draw_loss(report.figures[0].file, history);
    draw_mosaic(report.figures[1].file, comparison(test, shown, model.description().output, reconstruct(model, test.inputs_at(shown))),
                fmt::format("Test images, {}{}", test.examples().reproduce() ? "and " : "", rows_shown(test)));
    std::ranges::move(draw_plane(model, test, directory, options.at), std::back_inserter(report.figures));
    write_file(directory.report(), report_page(report));
}

}  // namespace castnet

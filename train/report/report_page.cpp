#include "train/report/report_page.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <fstream>
#include <utility>

#include "train/console/progress.h"
#include "train/console/summary.h"
#include "train/console/terminal.h"
#include "train/program.h"
#include "train/report/html.h"

namespace castnet {
namespace {

using Facts = std::vector<std::pair<std::string, std::string>>;

constexpr int most_rows = 25;  // of the history's table

constexpr const char *style = R"(
:root { color-scheme: light dark; --text: #1f2328; --quiet: #59636e; --line: #d9dee3; --card: #f6f8fa; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --quiet: #9198a1; --line: #3d444d; --card: #161b22; --page: #0d1117; }
}
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 0 auto; padding: 2rem 1rem 4rem; color: var(--text);
  background: var(--page); overflow-wrap: anywhere; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; }
h2 { font-size: 1.2rem; margin: 3rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line); }
p, dl, dd, figure { margin: 0; }
.lead, dt, th, caption, figcaption { color: var(--quiet); }
.key { display: grid; grid-template-columns: repeat(auto-fit, minmax(6.5rem, 1fr)); gap: .6rem; margin-top: 1.5rem; }
.key div { display: flex; flex-direction: column-reverse; background: var(--card); border-radius: 8px; padding: .6rem .8rem; }
.key dt { font-size: .75rem; } .key dd { font-size: 1.2rem; font-weight: 600; overflow-wrap: normal; }
.facts { columns: 2 20rem; column-gap: 2.5rem; font-size: .9rem; }
.facts div { display: flex; justify-content: space-between; gap: 1.5rem; padding: .25rem 0; border-bottom: 1px solid var(--line);
  break-inside: avoid; }
.facts dt { flex: none; } .facts dd { text-align: right; }
pre { font: .8rem/1.45 ui-monospace, monospace; background: var(--card); border-radius: 8px; padding: .9rem 1rem; margin: 0 0 .75rem;
  overflow-x: auto; overflow-wrap: normal; }
figure { break-inside: avoid; }
img { display: block; width: 100%; height: auto; border: 1px solid var(--line); border-radius: 8px; }
figcaption, caption { font-size: .9rem; margin-top: .5rem; }
table { border-collapse: collapse; margin-top: 1.5rem; min-width: min(100%, 30rem); font-size: .9rem; font-variant-numeric: tabular-nums;
  overflow-wrap: normal; }
caption { caption-side: bottom; text-align: left; }
th, td { padding: .2rem .4rem .2rem 1.2rem; text-align: right; border-bottom: 1px solid var(--line); }
th { font-weight: 500; vertical-align: bottom; }
@media (max-width: 30rem) { th, td { padding-left: .3rem; } }
@media print { body { padding: 0; max-width: none; } h2 { break-after: avoid; } pre { white-space: pre-wrap; } }
)";

std::string rounded(double loss) {
    return fmt::format("{:#.4g}", loss);
}

/// Formats a whole number with thin spaces between thousands.
std::string whole(double number) {
    std::string digits = fmt::format("{:.0f}", number);
    for (auto place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
        digits.insert(static_cast<std::size_t>(place), "\u202f");
    return digits;
}

/// Returns the epoch of the run's final weights.
const Epoch &kept_epoch(const Report &report) {
    if (report.options.patience == 0) return report.history.back();
    return *std::ranges::min_element(report.history, {}, [](const Epoch &epoch) { return epoch.validation_loss.value_or(INFINITY); });
}

Facts key_figures(const Report &report) {
    double seconds = 0, images = 0;
    for (const Epoch &epoch : report.history) {
        seconds += epoch.seconds;
        images += epoch.seconds * epoch.images_per_second;
    }
    const double speed = images / seconds;
    const double flops_per_second = 2.0 * static_cast<double>(report.network.training_multiply_adds()) * speed;
    const Epoch &kept = kept_epoch(report);
    Facts figures{{"loss", rounded(kept.loss)}};
    if (kept.validation_loss) figures.emplace_back("val_loss", rounded(*kept.validation_loss));
    figures.emplace_back("test loss", rounded(report.test_loss));
    figures.emplace_back("epochs", whole(report.history.back().number));
    figures.emplace_back("training", seconds < 10 ? fmt::format("{:.1f}s", seconds) : clock_time(seconds));
    figures.emplace_back("images/s", whole(speed));
    figures.emplace_back("GFLOP/s", whole(flops_per_second / 1e9));
    return figures;
}

/// Returns the epochs from one row of the history's table to the next: 1, 2, 5, 10, 20, 50, …
int row_distance(int epochs) {
    for (int power = 1;; power *= 10) {
        for (const int factor : {1, 2, 5}) {
            if (epochs <= most_rows * factor * power) return factor * power;
        }
    }
}

std::string history_table(const Report &report) {
    const std::vector<Epoch> &history = report.history;
    const bool validated = std::ranges::any_of(history, [](const Epoch &epoch) { return epoch.validation_loss.has_value(); });
    std::vector<std::string> heads{"epoch", "loss", "seconds", "images/s"};
    if (validated) heads.insert(heads.begin() + 2, "val_loss");
    const int distance = row_distance(static_cast<int>(history.size()));
    std::string rows;
    for (const Epoch &epoch : history) {
        const bool is_end = &epoch == &history.front() || &epoch == &history.back();
        if (!is_end && &epoch != &kept_epoch(report) && epoch.number % distance != 0) continue;
        std::vector<std::string> cells{std::to_string(epoch.number), rounded(epoch.loss), fmt::format("{:.2f}", epoch.seconds),
                                       whole(epoch.images_per_second)};
        if (validated) cells.insert(cells.begin() + 2, epoch.validation_loss ? rounded(*epoch.validation_loss) : "");
        rows += html::row("td", cells);
    }
    std::string caption = distance == 1 ? "" : fmt::format("Every {}th epoch; history.csv has all. ", distance);
    if (report.options.patience > 0) caption += fmt::format("The model is that of epoch {}.", kept_epoch(report).number);
    return fmt::format("<table>\n{}<thead>{}</thead>\n<tbody>\n{}</tbody>\n</table>\n",
                       caption.empty() ? "" : fmt::format("<caption>{}</caption>\n", caption), html::row("th", heads), rows);
}

Facts settings(const Report &report) {
    const TrainOptions &options = report.options;
    Facts facts{{"--data", options.data.describe()}};
    if (!options.initial_model.empty()) facts.emplace_back("--init", options.initial_model.string());
    if (!options.data.targets.empty()) facts.emplace_back("--targets", options.data.targets);
    for (const auto &[name, value] : options.decisive()) facts.emplace_back(name, value);
    return facts;
}

std::string cpu_name() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    }
    return "unknown";
}

Facts machine(const Report &report) {
    return {{"CPU", cpu_name()},
            {"Level", std::string(report.network.level)},
            {"Threads", fmt::format("{} of {}", report.options.threads, default_threads())},
            {"Castnet", CASTNET_VERSION},
            {"Compiler", CASTNET_COMPILER}};
}

std::string layer_texts(const NetworkDescription &network) {
    std::string lines;
    for (const LayerDescription &layer : network.layers) lines += fmt::format("{}\n", layer.text);
    return lines;
}

std::string pre(const std::string &text) {
    return fmt::format("<pre>{}</pre>\n", html::escape(text));
}

std::string section(const std::string &title, const std::string &content) {
    return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", html::escape(title), content);
}

}  // namespace

std::string report_page(const Report &report) {
    const std::string name = html::escape(std::string(report.network.name));
    std::string page = fmt::format(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{0}: a training run</title>\n"
        "<style>{1}</style>\n</head>\n<body>\n<header>\n<h1>{0}</h1>\n"
        "<p class=\"lead\">{2} to a code of {3} and {4}, {5} parameters; trained until {6:%Y-%m-%d %H:%M}</p>\n{7}</header>\n<main>\n",
        name, style, describe(report.network.input), describe(report.network.code),
        report.network.output == report.network.input ? "back" : "on to " + describe(report.network.output),
        whole(static_cast<double>(report.network.parameter_count())), fmt::localtime(std::time(nullptr)),
        html::facts("key", key_figures(report)));
    for (const ReportFigure &figure : report.figures)
        page += section(figure.title,
                        html::picture(figure.file, figure.caption) + (&figure == &report.figures.front() ? history_table(report) : ""));
    page += section("Network", pre(layer_texts(report.network)) + pre(summary(report.network, unlimited_width)));
    page += section("Options", html::facts("facts", settings(report)));
    page += section("Machine", html::facts("facts", machine(report)));
    return page + "</main>\n</body>\n</html>\n";
}

}  // namespace castnet

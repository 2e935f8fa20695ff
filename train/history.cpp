#include "train/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <string_view>
#include <vector>

#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

constexpr const char *head = "epoch,loss,val_loss,seconds,images_per_second";

/// Parses five numbers separated by commas, of which only val_loss may be missing. Returns none for anything else.
std::optional<Epoch> parse(std::string_view line) {
    std::array<std::optional<double>, 5> values;
    for (std::optional<double> &value : values) {
        const std::string_view cell = line.substr(0, line.find(','));
        line.remove_prefix(std::min(line.size(), cell.size() + 1));
        double number = 0;
        const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), number);
        if (error == std::errc() && end == cell.data() + cell.size()) value = number;
    }
    const auto &[number, loss, validation_loss, seconds, images_per_second] = values;
    if (!number || !loss || !seconds || !images_per_second || !line.empty()) return std::nullopt;
    return Epoch{.number = static_cast<int>(*number),
                 .loss = *loss,
                 .validation_loss = validation_loss,
                 .seconds = *seconds,
                 .images_per_second = *images_per_second};
}

}  // namespace

History::History(std::filesystem::path file, int epochs) : file_(std::move(file)), text_(fmt::format("{}\n", head)) {
    if (epochs == 0 || !std::filesystem::exists(file_)) return;
    std::istringstream earlier(read_text(file_));
    std::string line;
    std::getline(earlier, line);
    for (int number = 1; number <= epochs && std::getline(earlier, line); number++) {
        const std::optional<Epoch> epoch = parse(line);
        if (!epoch) throw Error(fmt::format("{}: line {} is not {}; restore it, or remove the file", file_.string(), number + 1, head));
        epochs_.push_back(*epoch);
        text_ += line + "\n";
    }
}

void History::add(const Epoch &epoch) {
    epochs_.push_back(epoch);
    text_ += fmt::format("{},{},{},{},{}\n", epoch.number, epoch.loss,
                         epoch.validation_loss ? fmt::format("{}", *epoch.validation_loss) : "", epoch.seconds, epoch.images_per_second);
    write();
}

void History::write() const {
    write_file(file_, text_);
}

}  // namespace castnet

#include "train/history.h"

#include <fmt/format.h>

#include <sstream>
#include <vector>

#include "runtime/file.h"

namespace castnet {

History::History(std::filesystem::path file, int epochs)
    : file_(std::move(file)), text_("epoch,loss,val_loss,seconds,images_per_second\n") {
    if (epochs == 0 || !std::filesystem::exists(file_)) return;
    const std::vector<std::byte> bytes = read_file(file_);
    std::istringstream earlier(std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size()));
    std::string line;
    std::getline(earlier, line);
    for (int epoch = 0; epoch < epochs && std::getline(earlier, line); epoch++) text_ += line + "\n";
}

void History::add(int epoch, double loss, std::optional<double> validation_loss, double seconds, double images_per_second) {
    text_ += fmt::format("{},{:.6f},{},{:.3f},{:.0f}\n", epoch, loss, validation_loss ? fmt::format("{:.6f}", *validation_loss) : "",
                         seconds, images_per_second);
    write();
}

void History::write() const {
    write_file(file_, text_);
}

}  // namespace castnet

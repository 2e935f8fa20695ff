#include "train/run_directory.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/error.h"

namespace castnet {

void RunDirectory::begin() const {
    try {
        std::filesystem::create_directories(folder_);
        keep_previous_run();
    } catch (const std::filesystem::filesystem_error &error) {
        throw Error(fmt::format("{}: cannot be written ({}); choose another --run-dir", folder_.string(), error.code().message()));
    }
}

void RunDirectory::keep_previous_run() const {
    const auto files = {model(),          checkpoint(),       history(), report(), figure("loss"), figure("reconstruction"),
                        figure("latent"), figure("generated")};
    if (std::ranges::none_of(files, [](const auto &file) { return std::filesystem::exists(file); })) return;
    int number = 1;
    while (std::filesystem::exists(folder_ / fmt::format("previous-{}", number))) number++;
    const std::filesystem::path kept = folder_ / fmt::format("previous-{}", number);
    std::filesystem::create_directory(kept);
    for (const std::filesystem::path &file : files) {
        if (std::filesystem::exists(file)) std::filesystem::rename(file, kept / file.filename());
    }
}

}  // namespace castnet

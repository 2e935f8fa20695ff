// The files of a run, and where they go.
#pragma once

#include <filesystem>
#include <string>

namespace castnet {

class RunDirectory {
public:
    explicit RunDirectory(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Makes the folder. The files of an earlier run in it are moved to its next free subfolder previous-N. Throws Error.
    void begin() const;

    [[nodiscard]] std::filesystem::path model() const { return folder_ / "model.safetensors"; }
    [[nodiscard]] std::filesystem::path checkpoint() const { return folder_ / "checkpoint.safetensors"; }
    [[nodiscard]] std::filesystem::path history() const { return folder_ / "history.csv"; }
    [[nodiscard]] std::filesystem::path report() const { return folder_ / "report.html"; }
    [[nodiscard]] std::filesystem::path figure(const std::string &name) const { return folder_ / (name + ".svg"); }

private:
    void keep_previous_run() const;

    std::filesystem::path folder_;
};

}  // namespace castnet

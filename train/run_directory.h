// The files of a run, and where they go.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "train/files/descriptor.h"

namespace castnet {

class RunDirectory {
public:
    explicit RunDirectory(std::filesystem::path folder) : folder_(std::move(folder)) {}

    /// Locks the folder, if it exists, against other programs as long as this object lives. Removes the unfinished files of a killed
    /// program. The kernel releases the lock when the program ends, however it ends. Throws Error if another program holds it.
    void lock();

    /// Creates and locks the folder. Moves an earlier run's files to the next free subfolder previous-N. save() replaces the checkpoint by
    /// the new one, so that there is one at every moment. Throws Error.
    void begin(const std::function<void()> &save);

    [[nodiscard]] std::filesystem::path model() const { return folder_ / "model.safetensors"; }
    [[nodiscard]] std::filesystem::path checkpoint() const { return folder_ / "checkpoint.safetensors"; }
    [[nodiscard]] std::filesystem::path history() const { return folder_ / "history.csv"; }
    [[nodiscard]] std::filesystem::path report() const { return folder_ / "report.html"; }
    [[nodiscard]] std::filesystem::path figure(const std::string &name) const { return folder_ / (name + ".svg"); }

private:
    void remove_unfinished() const;
    [[nodiscard]] std::vector<std::filesystem::path> results() const;
    void keep_earlier_run() const;
    [[nodiscard]] std::filesystem::path next_previous() const;

    std::filesystem::path folder_;
    Descriptor lock_;
};

}  // namespace castnet

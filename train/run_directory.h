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

    /// Keeps other programs out of the folder, if there is one, as long as this lives, and removes what a killed one left unfinished. The
    /// kernel ends the lock with the program, however it ends. Throws Error if another program has it.
    void lock();

    /// Makes the folder and locks it. The files of an earlier run in it go to its next free subfolder previous-N, the checkpoint by way of
    /// save(), which writes the new one: at every moment one of them is there. Throws Error.
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

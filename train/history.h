// history.csv: one line per epoch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace castnet {

struct Epoch {
    int number = 0;  ///< from 1
    double loss = 0;
    std::optional<double> validation_loss;
    double seconds = 0, images_per_second = 0;
};

class History {
public:
    /// Takes over the first `epochs` epochs of the file, if it exists from an earlier part of the run. Throws Error if they cannot be read.
    explicit History(std::filesystem::path file, int epochs = 0);

    /// Adds an epoch and writes the file. Throws Error.
    void add(const Epoch &epoch);
    void write() const;
    [[nodiscard]] const std::vector<Epoch> &epochs() const { return epochs_; }

private:
    std::filesystem::path file_;
    std::vector<Epoch> epochs_;
    std::string text_;  // of the file; it only grows
};

}  // namespace castnet

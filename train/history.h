// history.csv: a line an epoch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace castnet {

class History {
public:
    /// With the first `epochs` epochs that the file of an earlier part of the run holds.
    explicit History(std::filesystem::path file, int epochs = 0);

    /// Adds an epoch and writes the file. Throws Error.
    void add(int epoch, double loss, std::optional<double> validation_loss, double seconds, double images_per_second);
    void write() const;

private:
    std::filesystem::path file_;
    std::string text_;
};

}  // namespace castnet

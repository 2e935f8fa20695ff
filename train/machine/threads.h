// How many threads a program uses where nobody says.
#pragma once

#include <filesystem>

namespace castnet {

/// As many as may run at once: the cores of the process's affinity mask, no more than its control group's quota of their time is worth.
/// `root`: where /proc and /sys lie.
int default_threads(const std::filesystem::path &root = "/");

}  // namespace castnet

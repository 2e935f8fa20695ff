// The default number of threads.
#pragma once

#include <filesystem>

namespace castnet {

/// Returns how many threads may run at once: the cores of the process's affinity mask, but at most its control groups' CPU quota, rounded
/// up. `root`: where /proc and /sys lie.
int default_threads(const std::filesystem::path &root = "/");

}  // namespace castnet

#include "train/machine/threads.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#include <sched.h>

namespace castnet {
namespace {

using Path = std::filesystem::path;

int cores_of_mask() {
#if defined(__linux__)
    cpu_set_t mask{};
    if (sched_getaffinity(0, sizeof(mask), &mask) == 0) return CPU_COUNT(&mask);
#endif
    return static_cast<int>(std::thread::hardware_concurrency());
}

/// Returns the group's CPU quota in cores, from cgroup v2's file or v1's two; infinity if it has none.
double quota_of(const Path &group) {
    double quota = 0, period = 0;
    const bool limited = std::ifstream(group / "cpu.max") >> quota >> period ||
                         (std::ifstream(group / "cpu.cfs_quota_us") >> quota && std::ifstream(group / "cpu.cfs_period_us") >> period);
    return limited && quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

/// Returns the smallest quota, in cores, of the process's groups and their parents.
double cores_of_groups(const Path &root) {
    double cores = std::numeric_limits<double>::infinity();
    std::ifstream groups(root / "proc/self/cgroup");
    for (std::string number, controllers, path;
         std::getline(groups, number, ':') && std::getline(groups, controllers, ':') && std::getline(groups, path);) {
        Path group = root / "sys/fs/cgroup" / controllers;
        cores = std::min(cores, quota_of(group));
        for (const Path &part : Path(path).relative_path()) cores = std::min(cores, quota_of(group /= part));
    }
    return cores;
}

}  // namespace

int default_threads(const Path &root) {
    return std::max(1, static_cast<int>(std::min<double>(cores_of_mask(), std::ceil(cores_of_groups(root)))));
}

}  // namespace castnet

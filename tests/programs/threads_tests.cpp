// Tests the default number of threads: no more than the cores that the process may use.
#include "train/machine/threads.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "tests/programs/program.h"
#include "tests/temporary.h"

namespace castnet::test {
namespace {

/// Returns the default threads with this /proc/self/cgroup and these files of groups.
int threads_with(const std::string &groups, const std::vector<std::pair<std::string, std::string>> &files) {
    const TemporaryFolder root;
    const auto write = [&](const std::string &name, const std::string &text) {
        std::filesystem::create_directories((root.path() / name).parent_path());
        write_plain(root.path() / name, text);
    };
    write("proc/self/cgroup", groups);
    for (const auto &[name, text] : files) write("sys/fs/cgroup/" + name, text);
    return default_threads(root.path());
}

TEST_CASE("threads: as many as a control group's quota is worth, rounded up") {
    const int all = threads_with("", {});
    CHECK(all >= 1);
    const auto limited = [&](int quota) { return std::min(all, quota); };
    CHECK(threads_with("0::/a/b\n", {{"a/b/cpu.max", "max 100000\n"}}) == all);
    CHECK(threads_with("0::/a/b\n", {{"a/b/cpu.max", "50000 100000\n"}}) == 1);
    CHECK(threads_with("0::/a/b\n", {{"a/b/cpu.max", "150000 100000\n"}}) == limited(2));
    CHECK(threads_with("0::/a/b\n", {{"a/cpu.max", "100000 100000\n"}, {"a/b/cpu.max", "max 100000\n"}}) == 1);  // the enclosing group
    CHECK(threads_with("0::/\n", {{"cpu.max", "100000 100000\n"}}) == 1);                                        // in a container
    const std::string first = "5:memory:/m\n4:cpu,cpuacct:/a\n1:name=systemd:/s\n0::/u\n";
    const auto in_version_1 = [&](const char *quota) {
        return threads_with(first, {{"cpu,cpuacct/a/cpu.cfs_quota_us", quota}, {"cpu,cpuacct/a/cpu.cfs_period_us", "50000\n"}});
    };
    CHECK(in_version_1("-1\n") == all);
    CHECK(in_version_1("50000\n") == 1);
    CHECK(in_version_1("75000\n") == limited(2));
    CHECK(threads_with("no such line", {}) == all);
}

TEST_CASE("threads: as many as the affinity mask has cores, and the programs say so") {
    const TemporaryFolder folder;
    const std::string data = (folder.path() / "data").string();
    write_dataset(data, 8, {12, 10});
    const Run result =
        run("train-test_gap --no-figures --epochs 0 --data " + data + " --run-dir " + (folder.path() / "run").string(), "taskset -c 0 ");
    CAPTURE(result.output);
    CHECK(result.status == 0);
    CHECK(result.output.find(", 1 threads\n") != std::string::npos);
}

}  // namespace
}  // namespace castnet::test

#include "runtime/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "runtime/error.h"
#include "tests/temporary.h"

namespace castnet::test {
namespace {

TEST_CASE("file: a write replaces the whole file and leaves nothing beside it") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a";
    write_file(path, std::string(100000, 'x'));
    write_file(path, "short");
    CHECK(read_plain(path) == "short");
    CHECK(folder.entries() == 1);
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    const mode_t mask = umask(0);
    umask(mask);
    CHECK((status.st_mode & 0777U) == (0666U & ~mask));  // the user's own mode, not a temporary's
}

TEST_CASE("file: a write that fails in the middle leaves the old file") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a";
    write_file(path, "old");
    // A file may not grow beyond 1000 bytes: what a full disk does.
    rlimit previous{};
    REQUIRE(getrlimit(RLIMIT_FSIZE, &previous) == 0);
    const rlimit small{1000, previous.rlim_max};
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    bool refused = false;
    try {
        write_file(path, std::string(100000, 'x'));
    } catch (const Error &) {
        refused = true;
    }
    REQUIRE(setrlimit(RLIMIT_FSIZE, &previous) == 0);
    std::signal(SIGXFSZ, handler);
    CHECK(refused);
    CHECK(read_plain(path) == "old");
    CHECK(folder.entries() == 1);
}

TEST_CASE("file: what cannot be opened is named") {
    const TemporaryFolder folder;
    CHECK_THROWS_AS(read_file(folder.path() / "missing"), Error);
    CHECK_THROWS_AS(read_file(folder.path()), Error);
    CHECK_THROWS_AS(write_file(folder.path() / "missing" / "a", "x"), Error);
}

}  // namespace
}  // namespace castnet::test

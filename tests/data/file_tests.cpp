#include "train/files/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <thread>

#include "tests/temporary.h"
#include "train/files/error.h"

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
    CHECK((status.st_mode & 0777U) == (0666U & ~mask));  // the user's mode, not that of a temporary file
}

TEST_CASE("file: a write that fails in the middle leaves the old file") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a";
    write_file(path, "old");
    // Limits files to 1000 bytes, as a full disk would.
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

mode_t mode_of(const std::filesystem::path &path) {
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777U;
}

TEST_CASE("file: a new file has the mode that the user's mask leaves, whatever the mask") {
    const TemporaryFolder folder;
    for (const mode_t mask : {0U, 022U, 077U}) {
        const auto path = folder.path() / std::to_string(mask);
        const mode_t before = umask(mask);
        write_file(path, "x");
        umask(before);
        CHECK(mode_of(path) == (0666U & ~mask));
    }
}

TEST_CASE("file: what is replaced keeps its permissions and, for root, its owner") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "a";
    for (const mode_t mode : {0600U, 0640U, 0666U, 0444U}) {
        write_file(path, "old");
        REQUIRE(chmod(path.c_str(), mode) == 0);
        write_file(path, "new");
        CHECK(mode_of(path) == mode);
        CHECK(read_plain(path) == "new");
    }
    if (geteuid() != 0) return;
    REQUIRE(chown(path.c_str(), 1, 2) == 0);
    write_file(path, "newer");
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    CHECK(status.st_uid == 1);
    CHECK(status.st_gid == 2);
}

TEST_CASE("file: a symbolic link stays, and what it leads to is replaced") {
    const TemporaryFolder folder, disk;
    const auto link = folder.path() / "model", target = disk.path() / "large";
    std::filesystem::create_symlink(target, link);
    std::filesystem::create_symlink("model", folder.path() / "second");
    for (const char *text : {"new", "newer"}) {  // there is no file at first
        write_file(folder.path() / "second", text);
        CHECK(std::filesystem::is_symlink(link));
        CHECK(read_plain(target) == text);
        CHECK(folder.entries() == 2);
        CHECK(disk.entries() == 1);
    }
    std::filesystem::create_symlink("loop", folder.path() / "loop");
    CHECK_THROWS_AS(write_file(folder.path() / "loop", "x"), Error);
    std::filesystem::create_symlink(disk.path() / "unmounted" / "a", folder.path() / "away");
    CHECK_THROWS_AS(write_file(folder.path() / "away", "x"), Error);
    CHECK(folder.entries() == 4);
}

TEST_CASE("file: what is no file is written into") {
    const TemporaryFolder folder;
    const auto pipe = folder.path() / "pipe";
    REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
    std::string got;
    std::thread reader([&] { got = read_plain(pipe); });
    write_file(pipe, "through");
    reader.join();
    CHECK(got == "through");
    write_file("/dev/null", "nothing");
    CHECK(std::filesystem::is_character_file("/dev/null"));
    CHECK_THROWS_AS(write_file("/dev/full", "x"), Error);
    CHECK_THROWS_AS(write_file(folder.path(), "x"), Error);
    CHECK(folder.entries() == 1);
}

TEST_CASE("file: folders are made, and the names of unfinished files known") {
    const TemporaryFolder folder;
    make_folder(folder.path() / "a" / "b" / "");
    CHECK(std::filesystem::is_directory(folder.path() / "a" / "b"));
    write_plain(folder.path() / "file", "x");
    CHECK_THROWS_AS(make_folder(folder.path() / "file" / "b"), Error);
    {
        const Unfinished unfinished(folder.path() / "model.safetensors");
        CHECK(Unfinished::is_name(unfinished.path()));
        write_plain(unfinished.path(), "x");
    }
    CHECK(folder.entries() == 2);
    for (const char *name : {"model.safetensors", "notes.tmp", "a.b.tmp", "a.1b.tmp", ".1.tmp2", "1.tmp"}) {
        CAPTURE(name);
        CHECK_FALSE(Unfinished::is_name(name));
    }
}

TEST_CASE("file: what cannot be opened is named") {
    const TemporaryFolder folder;
    CHECK_THROWS_AS(read_file(folder.path() / "missing"), Error);
    CHECK_THROWS_AS(read_file(folder.path()), Error);
    CHECK_THROWS_AS(write_file(folder.path() / "missing" / "a", "x"), Error);
}

}  // namespace
}  // namespace castnet::test

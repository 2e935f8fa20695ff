#include "train/run_directory.h"

#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

namespace fs = std::filesystem;

/// Hard-links the file as `copy`, whose bytes then stay: a file is only ever replaced. Makes a real copy if the file system has no hard
/// links, and of a symbolic link, whose target would be replaced.
void keep(const fs::path &file, const fs::path &copy) {
    std::error_code failed;
    fs::remove(copy, failed);
    if (!fs::is_symlink(file)) fs::create_hard_link(file, copy, failed);
    if (failed || fs::is_symlink(file)) write_file(copy, read_file(file));
}

}  // namespace

void RunDirectory::lock() {
    std::error_code failed;
    if (lock_.is_open() || !fs::is_directory(folder_, failed)) return;
    lock_ = Descriptor(folder_ / "lock", O_RDWR | O_CREAT);
    if (!lock_.is_open())
        throw Error(fmt::format("{}: cannot be written ({}); choose another --run-dir", folder_.string(), std::strerror(errno)));
    // Any other failure means a file system without locks.
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        throw Error(fmt::format("{}: another run is at work there; wait for its end, or choose another --run-dir", folder_.string()));
    remove_unfinished();
}

void RunDirectory::remove_unfinished() const {
    std::error_code ignored;
    for (const fs::directory_entry &entry : fs::directory_iterator(folder_, ignored)) {
        if (Unfinished::is_name(entry.path())) fs::remove(entry.path(), ignored);
    }
}

void RunDirectory::begin(const std::function<void()> &save) {
    try {
        make_folder(folder_);
        lock();
        keep_earlier_run();
        save();
        for (const fs::path &file : results()) {
            if (fs::exists(file)) fs::remove(fs::canonical(file));  // a symbolic link stays
        }
    } catch (const fs::filesystem_error &error) {
        throw Error(fmt::format("{}: cannot be written ({}); choose another --run-dir", folder_.string(), error.code().message()));
    }
}

/// Returns the files that a run writes besides its checkpoint.
std::vector<fs::path> RunDirectory::results() const {
    return {model(), history(), report(), figure("loss"), figure("reconstruction"), figure("latent"), figure("generated")};
}

void RunDirectory::keep_earlier_run() const {
    const fs::path kept = next_previous();
    std::vector<fs::path> files = results();
    files.insert(files.begin(), checkpoint());
    for (const fs::path &file : files) {
        if (!fs::exists(file)) continue;
        make_folder(kept);
        keep(file, kept / file.filename());
    }
    if (fs::exists(kept)) sync_folder(kept);
}

/// Returns the first free folder, or the one where an interrupted attempt began to keep this very run.
fs::path RunDirectory::next_previous() const {
    for (int number = 1;; number++) {
        fs::path kept = folder_ / fmt::format("previous-{}", number);
        std::error_code differ;
        if (!fs::exists(kept) || fs::equivalent(kept / checkpoint().filename(), checkpoint(), differ)) return kept;
    }
}

}  // namespace castnet

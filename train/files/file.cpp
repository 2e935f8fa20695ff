#include "train/files/file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <new>

#include "train/files/error.h"

namespace castnet {
namespace {

using Path = std::filesystem::path;
using Status = struct stat;

/// Makes an Error with the reason in errno.
Error failure(const Path &path, const std::string &what, const std::string &advice) {
    return Error(fmt::format("{}: {} ({}); {}", path.string(), what, std::strerror(errno), advice));
}

Error not_written(const Path &path, const std::string &advice = "the file is as it was before") {
    return failure(path, "cannot be written", advice);
}

bool write_all(int descriptor, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = uninterrupted([&] { return ::write(descriptor, bytes.data(), bytes.size()); });
        if (written == 0) errno = EIO;  // the file system took nothing, and reported nothing
        if (written <= 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

bool sync(const Descriptor &file) {
    return uninterrupted([&] { return ::fsync(file.get()); }) == 0;
}

/// Syncs a folder. Succeeds on file systems that cannot, and need not.
bool sync_names(const Descriptor &folder) {
    constexpr std::array cannot{EINVAL, ENOSYS, EOPNOTSUPP};
    return sync(folder) || std::ranges::find(cannot, errno) != cannot.end();
}

Path folder_of(const Path &path) {
    return path.has_parent_path() ? path.parent_path() : ".";
}

constexpr const char *unfinished_suffix = ".tmp";

/// Follows symbolic links to their target, which need not exist.
Path follow_links(Path path) {
    constexpr int most_links = 40;  // the kernel's own limit
    std::error_code failed;
    for (int links = 0; links < most_links && std::filesystem::is_symlink(path, failed); links++) {
        const Path target = std::filesystem::read_symlink(path, failed);
        if (failed) break;
        path = path.parent_path() / target;
    }
    return path;
}

/// Gives the new file the old one's owner, group and permissions, so that the same users may read it and nobody else. Ignores what the
/// system refuses: only root may give files away, and some file systems have no permissions.
void take_permissions(const Descriptor &file, const Status &old) {
    if (::fchown(file.get(), old.st_uid, old.st_gid) != 0) errno = 0;
    if (::fchmod(file.get(), old.st_mode & 0777U) != 0) errno = 0;
}

void write_into(const Path &path, std::span<const std::byte> bytes) {
    Descriptor file(path, O_WRONLY);
    if (!file.is_open() || !write_all(file.get(), bytes) || !file.close()) throw not_written(path, "check what it is");
}

void replace(const Path &path, const Status *old, std::span<const std::byte> bytes) {
    const Descriptor folder(folder_of(path), O_RDONLY | O_DIRECTORY);
    const bool may_sync_names = folder.is_open() || errno == EACCES;  // a folder may be writable and not readable
    if (!may_sync_names) throw not_written(path, "check the folder");
    const Unfinished unfinished(path);
    Descriptor file(unfinished.path(), O_WRONLY | O_CREAT | O_TRUNC, old != nullptr ? old->st_mode & 0777U : 0666U);
    if (!file.is_open()) throw not_written(path, "check the folder");
    if (old != nullptr) take_permissions(file, *old);
    const auto rename = [&] { return std::rename(unfinished.path().c_str(), path.c_str()); };
    if (!write_all(file.get(), bytes) || !sync(file) || !file.close() || uninterrupted(rename) != 0) throw not_written(path);
    if (folder.is_open() && !sync_names(folder)) throw failure(path, "is written, but may not outlive a power failure", "check the disk");
}

}  // namespace

Descriptor open_to_read(const Path &path) {
    Descriptor file(path, O_RDONLY | O_NONBLOCK);  // does not wait for a pipe's other end
    if (!file.is_open()) throw failure(path, "cannot be opened", "check the path");
    Status status{};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        throw Error(fmt::format("{}: is not a regular file; give one", path.string()));
    return file;
}

bool is_larger(const Path &path, std::uintmax_t bytes) {
    std::error_code failed;
    const std::uintmax_t size = std::filesystem::file_size(path, failed);
    return !failed && size > bytes;
}

std::vector<std::byte> read_file(const Path &path) try {
    const Descriptor file = open_to_read(path);
    Status status{};
    ::fstat(file.get(), &status);
    std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = uninterrupted([&] { return ::read(file.get(), bytes.data() + size, bytes.size() - size); });
        if (got < 0) throw failure(path, "cannot be read", "check the disk");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    bytes.resize(size);
    return bytes;
} catch (const std::bad_alloc &) {
    throw Error(fmt::format("{}: is larger than memory; give a smaller file", path.string()));
}

std::string read_text(const std::filesystem::path &path) {
    const std::vector<std::byte> bytes = read_file(path);
    return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

void write_file(const Path &path, std::span<const std::byte> bytes) {
    Status old{};
    const bool exists = ::stat(path.c_str(), &old) == 0;
    if (!exists && errno != ENOENT) throw not_written(path, "check the path");
    if (exists && !S_ISREG(old.st_mode)) return write_into(path, bytes);
    replace(follow_links(path), exists ? &old : nullptr, bytes);
}

void write_file(const Path &path, const std::string &text) {
    write_file(path, std::as_bytes(std::span(text)));
}

Unfinished::Unfinished(const Path &file) : path_(fmt::format("{}.{}{}", file.string(), ::getpid(), unfinished_suffix)) {}

Unfinished::~Unfinished() {
    ::unlink(path_.c_str());
}

bool Unfinished::is_name(const Path &path) {
    const std::string process = path.stem().extension().string();  // such as .123
    return path.extension() == unfinished_suffix && process.size() > 1 && process.find_first_not_of("0123456789", 1) == std::string::npos;
}

void sync_folder(const Path &folder) {
    const Descriptor descriptor(folder, O_RDONLY | O_DIRECTORY);
    if (!descriptor.is_open() && errno == EACCES) return;
    if (!descriptor.is_open() || !sync_names(descriptor)) throw failure(folder, "cannot be synced", "check the disk");
}

void make_folder(const Path &folder) {
    std::error_code failed;
    if (std::filesystem::is_directory(folder, failed)) return;
    if (folder.has_parent_path() && folder.parent_path() != folder) make_folder(folder.parent_path());
    std::filesystem::create_directory(folder, failed);
    if (failed) throw Error(fmt::format("{}: cannot be written ({}); choose another folder", folder.string(), failed.message()));
    sync_folder(folder_of(folder));
}

}  // namespace castnet

#include "runtime/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "runtime/error.h"

namespace castnet {
namespace {

/// An open file, closed when it goes.
class Descriptor {
public:
    explicit Descriptor(int descriptor) : descriptor_(descriptor) {}
    Descriptor(const std::filesystem::path &path, int flags) : Descriptor(::open(path.c_str(), flags | O_CLOEXEC, 0666)) {}
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    ~Descriptor() { close(); }

    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
    int release() { return std::exchange(descriptor_, -1); }
    bool close() { return !is_open() || ::close(std::exchange(descriptor_, -1)) == 0; }

private:
    int descriptor_;
};

std::string reason() {
    return std::strerror(errno);
}

bool write_all(int descriptor, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

int open_to_read(const std::filesystem::path &path) {
    Descriptor file(path, O_RDONLY | O_NONBLOCK);  // a pipe's other end is not waited for
    if (!file.is_open()) throw Error(fmt::format("{}: cannot be opened ({}); check the path", path.string(), reason()));
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        throw Error(fmt::format("{}: is not a regular file; give one", path.string()));
    return file.release();
}

std::vector<std::byte> read_file(const std::filesystem::path &path) try {
    const Descriptor file(open_to_read(path));
    struct stat status {};
    ::fstat(file.get(), &status);
    std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw Error(fmt::format("{}: cannot be read ({}); check the disk", path.string(), reason()));
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    bytes.resize(size);
    return bytes;
} catch (const std::bad_alloc &) {
    throw Error(fmt::format("{}: is larger than memory; give a smaller file", path.string()));
}

void write_file(const std::filesystem::path &path, std::span<const std::byte> bytes) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
    std::filesystem::path temporary = path;
    temporary += fmt::format(".{}.tmp", ::getpid());

    Descriptor file(temporary, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file.is_open()) throw Error(fmt::format("{}: cannot be written ({}); check the folder", path.string(), reason()));
    if (!write_all(file.get(), bytes) || ::fsync(file.get()) != 0 || !file.close() || ::rename(temporary.c_str(), path.c_str()) != 0) {
        const std::string why = reason();
        ::unlink(temporary.c_str());
        throw Error(fmt::format("{}: cannot be written ({}); the file is as it was before", path.string(), why));
    }
    // Makes the rename last. Some file systems cannot sync a folder; the file itself is safe by now.
    const Descriptor directory(folder, O_RDONLY | O_DIRECTORY);
    if (directory.is_open()) ::fsync(directory.get());
}

void write_file(const std::filesystem::path &path, const std::string &text) {
    write_file(path, std::as_bytes(std::span(text)));
}

}  // namespace castnet

// A file descriptor that closes itself.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace castnet {

/// Repeats a system call while signals interrupt it.
template <typename Call>
auto uninterrupted(const Call &call) {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

class Descriptor {
public:
    Descriptor() = default;
    /// Opens the file. If that fails, is_open() is false and errno says why.
    Descriptor(const std::filesystem::path &path, int flags, mode_t mode = 0666)
        : descriptor_(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); })) {}
    Descriptor(Descriptor &&other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Descriptor &operator=(Descriptor &&other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~Descriptor() { close(); }

    [[nodiscard]] int get() const { return descriptor_; }
    [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
    /// Hands the descriptor over: the caller closes it.
    int release() { return std::exchange(descriptor_, -1); }
    /// Returns whether closing worked. An interrupted close counts: Linux has closed the file, and a second try would not be safe.
    bool close() { return !is_open() || ::close(std::exchange(descriptor_, -1)) == 0 || errno == EINTR; }

private:
    int descriptor_ = -1;
};

}  // namespace castnet

// An open file of the system's, closed when it goes.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace castnet {

/// Calls a system call again while signals interrupt it.
template <typename Call>
auto uninterrupted(const Call &call) {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

class Descriptor {
public:
    Descriptor() = default;
    /// Where that fails, is_open() is false and errno says why.
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
    /// For who closes it from now on.
    int release() { return std::exchange(descriptor_, -1); }
    /// An interrupted close has closed: Linux says so, and no second try is safe.
    bool close() { return !is_open() || ::close(std::exchange(descriptor_, -1)) == 0 || errno == EINTR; }

private:
    int descriptor_ = -1;
};

}  // namespace castnet

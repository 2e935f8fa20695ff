#include "train/files/mapped_file.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <string>

#include "train/files/error.h"
#include "train/files/file.h"

namespace castnet {
namespace {

/// A mapped file, and the line that ends the program if it can no longer be read: written beforehand, as a signal's handler may not.
struct Watched {
    std::atomic<const std::byte *> begin{nullptr};
    std::size_t size = 0;
    std::array<char, 4500> message{};
};

std::array<Watched, 16> watched;  // images and targets, for training and for test
std::atomic<bool> is_reported{false};

/// Ends the program with the file's line, once however many threads meet it. Any other bus error is the program's own, and ends it as it
/// would without a handler.
void report(int number, siginfo_t *signal, void * /*context*/) {
    const auto *const address = static_cast<const std::byte *>(signal->si_addr);
    for (const Watched &file : watched) {
        const std::byte *const begin = file.begin.load();
        if (begin == nullptr || address < begin || address >= begin + file.size) continue;
        while (is_reported.exchange(true)) ::pause();  // another thread ends the program
        const auto ignored = ::write(STDERR_FILENO, file.message.data(), std::strlen(file.message.data()));
        static_cast<void>(ignored);
        ::_exit(1);
    }
    std::signal(number, SIG_DFL);
    std::raise(number);
}

void watch_for_bus_errors() {
    struct sigaction action {};
    action.sa_sigaction = report;
    action.sa_flags = SA_SIGINFO;
    ::sigaction(SIGBUS, &action, nullptr);
}

/// Watches a mapped file. Returns its place. Throws Error.
std::size_t watch(const std::filesystem::path &path, std::span<const std::byte> bytes) {
    for (std::size_t place = 0; place < watched.size(); place++) {
        Watched &file = watched[place];
        if (file.begin.load() != nullptr) continue;
        const std::string message = fmt::format(
            "error: {}: cannot be read any more, as it became shorter or its disk failed; mend it, and continue with --resume\n",
            path.string());
        *std::copy_n(message.begin(), std::min(message.size(), file.message.size() - 1), file.message.begin()) = '\0';
        file.size = bytes.size();
        file.begin.store(bytes.data());
        watch_for_bus_errors();
        return place;
    }
    throw Error(fmt::format("{}: is one large file too many; give at most {}", path.string(), watched.size()));
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path &path) {
    const Descriptor file = open_to_read(path);
    struct stat status {};
    ::fstat(file.get(), &status);
    const auto size = static_cast<std::size_t>(status.st_size);
    void *const place = size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
    if (place == MAP_FAILED) throw Error(fmt::format("{}: cannot be mapped ({}); check the file", path.string(), std::strerror(errno)));
    bytes_ = {static_cast<const std::byte *>(place), size};
    try {
        watched_ = watch(path, bytes_);
    } catch (...) {
        ::munmap(place, size);
        throw;
    }
    ::madvise(place, size, MADV_RANDOM);  // training takes images in random order: what lies beside one is not read
}

MappedFile::~MappedFile() {
    watched[watched_].begin.store(nullptr);
    ::munmap(const_cast<std::byte *>(bytes_.data()), bytes_.size());
}

void MappedFile::release() const noexcept {
    ::madvise(const_cast<std::byte *>(bytes_.data()), bytes_.size(), MADV_DONTNEED);
}

}  // namespace castnet

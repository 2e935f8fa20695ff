// Makes the n-th call of one kind in a program fail, or kill the program. It is preloaded, and reads these variables:
//
//   CASTNET_FAULTS_FOLDER   calls on files below it count; all calls of malloc, thread and mmap do
//   CASTNET_FAULTS_CALL     open, read, write, fsync, close, rename, link, unlink, mkdir, flock, mmap, malloc or thread
//                           clock: no call fails; the steady clock runs NUMBER times as fast
//   CASTNET_FAULTS_NUMBER   which of these calls, from 1
//   CASTNET_FAULTS_MODE     once, always (from then on), kill-before, kill-after; for write also short (each writes a part), zero (one
//                           writes nothing) and full (one writes a part, the rest nothing)
//   CASTNET_FAULTS_ERROR    errno of the failure
//   CASTNET_FAULTS_REPORT   receives the numbers of these calls and of files left open, at a regular exit
//   CASTNET_FAULTS_LOG      receives every change of the files below the folder, with the bytes written
//
// It calls the kernel and the allocator directly, so that nothing here allocates or calls itself.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): the C library's headers use other names
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): glibc's allocator
extern "C" {
void *__libc_malloc(std::size_t);
void *__libc_calloc(std::size_t, std::size_t);
void *__libc_realloc(void *, std::size_t);
void *__libc_memalign(std::size_t, std::size_t);
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)

namespace {

struct Plan {
    std::string_view folder, call, mode;
    long number = 0;
    int error = 0;
    const char *report = nullptr;
    int log = -1;
    bool active = false;
};

Plan plan;
std::atomic<long> calls{0};
using Name = std::array<char, PATH_MAX>;
std::array<Name, 256> open_files{};  // names of the files below the folder, by descriptor

std::string_view variable(const char *name) {
    const char *value = std::getenv(name);
    return value != nullptr ? value : "";
}

long number(const char *name) {
    return std::strtol(variable(name).data(), nullptr, 10);
}

int open_log() {
    const char *path = std::getenv("CASTNET_FAULTS_LOG");
    return path == nullptr ? -1 : static_cast<int>(syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
}

/// Runs before the program's constructors. Leaves its child processes alone.
[[gnu::constructor]] void begin() {
    plan = {.folder = variable("CASTNET_FAULTS_FOLDER"),
            .call = variable("CASTNET_FAULTS_CALL"),
            .mode = variable("CASTNET_FAULTS_MODE"),
            .number = number("CASTNET_FAULTS_NUMBER"),
            .error = static_cast<int>(number("CASTNET_FAULTS_ERROR")),
            .report = std::getenv("CASTNET_FAULTS_REPORT"),
            .log = open_log(),
            .active = true};
    unsetenv("LD_PRELOAD");
}

[[gnu::destructor]] void end() {
    plan.active = false;
    if (plan.report == nullptr) return;
    std::array<char, 64> text{};
    const auto leaked = std::count_if(open_files.begin(), open_files.end(), [](const Name &name) { return name[0] != '\0'; });
    const int size = std::snprintf(text.data(), text.size(), "%ld %ld\n", calls.load(), static_cast<long>(leaked));
    const long file = syscall(SYS_openat, AT_FDCWD, plan.report, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    syscall(SYS_write, file, text.data(), size);
}

bool is_watched(const char *path) {
    return plan.active && !plan.folder.empty() && path != nullptr && std::string_view(path).starts_with(plan.folder);
}
bool is_watched(int file) {
    return plan.active && file >= 0 && static_cast<std::size_t>(file) < open_files.size() && open_files[std::size_t(file)][0] != '\0';
}

void die() {
    syscall(SYS_kill, getpid(), SIGKILL);
}

/// What happens to one call.
struct Fate {
    bool fails = false, dies_before = false, dies_after = false;
    bool is_struck = false;  // once, or from the n-th on
};

Fate fate_of(std::string_view call, bool watched) {
    if (!plan.active || !watched || call != plan.call) return {};
    const long n = ++calls;
    const bool now = n == plan.number, since = plan.number > 0 && n >= plan.number;
    return {.fails = (plan.mode == "once" && now) || (plan.mode == "always" && since),
            .dies_before = plan.mode == "kill-before" && now,
            .dies_after = plan.mode == "kill-after" && now,
            .is_struck = plan.mode == "zero" ? now : since};
}

long refuse() {
    errno = plan.error;
    return -1;
}

template <typename Call>
long attempt(const Fate &fate, const Call &call) {
    if (fate.dies_before) die();
    const long result = fate.fails ? refuse() : static_cast<long>(call());
    if (fate.dies_after) die();
    return result;
}

void log(const char *what, const char *first, const char *second, const void *bytes = nullptr, std::size_t size = 0) {
    if (plan.log < 0) return;
    std::array<char, 2 * PATH_MAX + 64> line{};
    const int length = std::snprintf(line.data(), line.size(), "%s\t%s\t%s\t%zu\n", what, first, second, size);
    syscall(SYS_write, plan.log, line.data(), length);
    if (size > 0) syscall(SYS_write, plan.log, bytes, size);
}

/// Makes a call that changes names, from one to another.
template <typename Call>
int change(const char *what, const char *first, const char *second, const Call &call) {
    const bool watched = is_watched(first);
    const long result = attempt(fate_of(what, watched), call);
    if (result == 0 && watched) log(what, first, second);
    return static_cast<int>(result);
}

int open_file(const char *path, int flags, mode_t mode) {
    const bool watched = is_watched(path);
    const long file = attempt(fate_of("open", watched), [&] { return syscall(SYS_openat, AT_FDCWD, path, flags, mode); });
    if (!watched || file < 0 || static_cast<std::size_t>(file) >= open_files.size()) return static_cast<int>(file);
    std::snprintf(open_files[std::size_t(file)].data(), PATH_MAX, "%s", path);
    if ((flags & (O_CREAT | O_TRUNC)) != 0) log((flags & O_TRUNC) != 0 ? "truncate" : "create", path, "");
    return static_cast<int>(file);
}

mode_t mode_of(int flags, std::va_list arguments) {
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

FILE *open_stream(const char *symbol, const char *path, const char *mode) {
    using Open = FILE *(*)(const char *, const char *);
    if (fate_of("open", is_watched(path)).fails) {
        (void)refuse();
        return nullptr;
    }
    return reinterpret_cast<Open>(dlsym(RTLD_NEXT, symbol))(path, mode);
}

template <typename Call>
void *allocate(const Call &call) {
    void *memory = nullptr;
    const Fate fate = fate_of("malloc", true);
    if (attempt(fate, [&] {
            memory = call();
            return 0;
        }) != 0)
        errno = ENOMEM;
    return memory;
}

void *map(void *address, std::size_t size, int protection, int flags, int file, off_t offset) {
    const long result = attempt(fate_of("mmap", true), [&] { return syscall(SYS_mmap, address, size, protection, flags, file, offset); });
    return reinterpret_cast<void *>(result);  // NOLINT(performance-no-int-to-ptr): as the kernel gives it
}

}  // namespace

extern "C" {

int open(const char *path, int flags, ...) {
    std::va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_file(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    std::va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_file(path, flags, mode);
}

FILE *fopen(const char *path, const char *mode) {
    return open_stream("fopen", path, mode);
}
FILE *fopen64(const char *path, const char *mode) {
    return open_stream("fopen64", path, mode);
}

ssize_t read(int file, void *bytes, std::size_t size) {
    return attempt(fate_of("read", is_watched(file)), [&] { return syscall(SYS_read, file, bytes, size); });
}

ssize_t write(int file, const void *bytes, std::size_t size) {
    const bool watched = is_watched(file);
    Fate fate = fate_of("write", watched);
    if (fate.is_struck && plan.mode == "zero") return 0;
    if (fate.is_struck && (plan.mode == "short" || plan.mode == "full")) size = (size + 1) / 2;
    fate.fails = fate.fails || (fate.is_struck && plan.mode == "full" && calls > plan.number);
    const long written = attempt(fate, [&] { return syscall(SYS_write, file, bytes, size); });
    if (watched && written > 0) log("write", open_files[std::size_t(file)].data(), "", bytes, static_cast<std::size_t>(written));
    return written;
}

int fsync(int file) {
    const long result = attempt(fate_of("fsync", is_watched(file)), [&] { return syscall(SYS_fsync, file); });
    if (result == 0 && is_watched(file)) log("fsync", open_files[std::size_t(file)].data(), "");
    return static_cast<int>(result);
}

/// Closes the file even if the call fails, as Linux does.
int close(int file) {
    const Fate fate = fate_of("close", is_watched(file));
    if (is_watched(file)) open_files[std::size_t(file)][0] = '\0';
    if (fate.fails) syscall(SYS_close, file);
    return static_cast<int>(attempt(fate, [&] { return syscall(SYS_close, file); }));
}

int rename(const char *from, const char *to) {
    return change("rename", from, to, [&] { return syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to); });
}
int link(const char *from, const char *to) {
    return change("link", from, to, [&] { return syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0); });
}
int unlink(const char *path) {
    return change("unlink", path, "", [&] { return syscall(SYS_unlinkat, AT_FDCWD, path, 0); });
}
int remove(const char *path) {
    return unlink(path);
}
int mkdir(const char *path, mode_t mode) {
    return change("mkdir", path, "", [&] { return syscall(SYS_mkdirat, AT_FDCWD, path, mode); });
}
int flock(int file, int operation) {
    return static_cast<int>(attempt(fate_of("flock", is_watched(file)), [&] { return syscall(SYS_flock, file, operation); }));
}

void *mmap(void *address, std::size_t size, int protection, int flags, int file, off_t offset) {
    return map(address, size, protection, flags, file, offset);
}
void *mmap64(void *address, std::size_t size, int protection, int flags, int file, off_t offset) {
    return map(address, size, protection, flags, file, offset);
}

void *malloc(std::size_t size) {
    return allocate([&] { return __libc_malloc(size); });
}
void *calloc(std::size_t count, std::size_t size) {
    return allocate([&] { return __libc_calloc(count, size); });
}
void *realloc(void *memory, std::size_t size) {
    return allocate([&] { return __libc_realloc(memory, size); });
}
void *aligned_alloc(std::size_t alignment, std::size_t size) {
    return allocate([&] { return __libc_memalign(alignment, size); });
}
int posix_memalign(void **memory, std::size_t alignment, std::size_t size) {
    *memory = aligned_alloc(alignment, size);
    return *memory != nullptr ? 0 : ENOMEM;
}

int clock_gettime(clockid_t clock, timespec *time) {
    const long result = syscall(SYS_clock_gettime, clock, time);
    if (!plan.active || plan.call != "clock" || clock != CLOCK_MONOTONIC) return static_cast<int>(result);
    constexpr long second = 1'000'000'000;
    static const long begin = time->tv_sec;  // keeps the numbers small
    const long nanoseconds = ((time->tv_sec - begin) * second + time->tv_nsec) * plan.number;
    *time = {.tv_sec = begin + nanoseconds / second, .tv_nsec = nanoseconds % second};
    return 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument) {
    using Create = int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (fate_of("thread", true).fails) return plan.error;
    return reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"))(thread, attributes, body, argument);
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name)

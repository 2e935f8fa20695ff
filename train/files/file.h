// Reads whole files, and replaces them so that a reader sees the old one or the new one, never half of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "train/files/descriptor.h"

namespace castnet {

/// Opens a file for reading. Throws Error, also for anything but a regular file: a pipe could block, a device never end.
Descriptor open_to_read(const std::filesystem::path &path);

/// Returns whether the file has more bytes; false if that cannot be determined.
bool is_larger(const std::filesystem::path &path, std::uintmax_t bytes);

/// Returns the file's bytes, in as much memory. Throws Error.
std::vector<std::byte> read_file(const std::filesystem::path &path);
/// Returns the file's bytes as text. Throws Error.
std::string read_text(const std::filesystem::path &path);

/// Replaces the file: writes a temporary beside it, syncs, renames, syncs the folder. The new file keeps the old one's permissions, and its
/// owner and group if the system allows. A symbolic link stays, and its target is replaced. Anything but a regular file, such as a pipe or
/// /dev/null, is written into. Throws Error, and then leaves the old file as it was and no temporary behind. Only if syncing the folder
/// fails is the new file in place; the error says so.
void write_file(const std::filesystem::path &path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path &path, const std::string &text);

/// A temporary name beside a file. The destructor removes the file of that name.
class Unfinished {
public:
    explicit Unfinished(const std::filesystem::path &file);
    Unfinished(const Unfinished &) = delete;
    Unfinished &operator=(const Unfinished &) = delete;
    ~Unfinished();

    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

    /// Returns whether a name is such a temporary, which a killed program leaves behind.
    static bool is_name(const std::filesystem::path &path);

private:
    std::filesystem::path path_;
};

/// Makes the names of the folder's files survive a power failure. Does nothing if the file system cannot. Throws Error.
void sync_folder(const std::filesystem::path &folder);

/// Creates the folder and its parents, and syncs their names. Throws Error.
void make_folder(const std::filesystem::path &folder);

}  // namespace castnet

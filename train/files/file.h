// Whole files: read at once, or written so that a reader sees the old one or the new one, never half of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "train/files/descriptor.h"

namespace castnet {

/// The file, open to be read. Throws Error, also where it is no regular file: a pipe could wait, a device never end.
Descriptor open_to_read(const std::filesystem::path &path);

/// The file's bytes, in as much memory. Throws Error.
std::vector<std::byte> read_file(const std::filesystem::path &path);
/// The same bytes as a text. Throws Error.
std::string read_text(const std::filesystem::path &path);

/// Replaces the file: writes a temporary beside it, syncs, renames, syncs the folder. The new file has the old one's permissions, and its
/// owner and group where the system lets that be; a symbolic link stays, and what it leads to is replaced. What is no file, a pipe or
/// /dev/null say, is written into. Throws Error, and then leaves the old file as it was and no temporary behind; only where the folder's
/// sync fails is the new file there, and the error says so.
void write_file(const std::filesystem::path &path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path &path, const std::string &text);

/// A name beside a file for what is not finished; the file of that name goes with this.
class Unfinished {
public:
    explicit Unfinished(const std::filesystem::path &file);
    Unfinished(const Unfinished &) = delete;
    Unfinished &operator=(const Unfinished &) = delete;
    ~Unfinished();

    [[nodiscard]] const std::filesystem::path &path() const { return path_; }

    /// Whether a name is such a one: a program that was killed leaves its file.
    static bool is_name(const std::filesystem::path &path);

private:
    std::filesystem::path path_;
};

/// Makes the names of the folder's files last through a power failure; where the file system cannot, nothing. Throws Error.
void sync_folder(const std::filesystem::path &folder);

/// Makes the folder and those above it, and makes them last. Throws Error.
void make_folder(const std::filesystem::path &folder);

}  // namespace castnet

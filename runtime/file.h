// Whole files: read at once, or written so that a reader sees the old one or the new one, never half of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace castnet {

/// A descriptor of the file, to be read and closed. Throws Error, also where it is no regular file: a pipe could wait, a device never end.
int open_to_read(const std::filesystem::path &path);

/// The file's bytes, in as much memory. Throws Error.
std::vector<std::byte> read_file(const std::filesystem::path &path);

/// Replaces the file: writes a temporary beside it, syncs, renames, syncs the folder. Throws Error, and then leaves the old file as it was
/// and no temporary behind.
void write_file(const std::filesystem::path &path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path &path, const std::string &text);

}  // namespace castnet

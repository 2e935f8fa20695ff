// Whole files: read at once, or written so that a reader sees the old one or the new one, never half of it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace castnet {

/// The file's bytes. Throws Error.
std::vector<std::byte> read_file(const std::filesystem::path &path);

/// Replaces the file: writes a temporary beside it, syncs, renames, syncs the folder. Throws Error, and then leaves the old file as it was
/// and no temporary behind.
void write_file(const std::filesystem::path &path, std::span<const std::byte> bytes);
void write_file(const std::filesystem::path &path, const std::string &text);

}  // namespace castnet

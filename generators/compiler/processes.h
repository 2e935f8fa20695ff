// Tasks that run side by side, each in a process of its own.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace castnet {

/// Runs task(0) … task(count - 1), `workers` at once, each in a child of this process: what one leaves in memory, or crashes over, is no
/// concern of the others. Returns for each what it threw or died of, in one line; empty where it returned. Throws Error where the system
/// starts no process.
std::vector<std::string> run_in_processes(std::size_t count, std::size_t workers, const std::function<void(std::size_t)> &task);

}  // namespace castnet

// Tasks that run in parallel, each in its own process.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace castnet {

/// Runs task(0) … task(count - 1), `workers` at once, each in a child process: what one leaves in memory, or a crash, cannot affect the
/// others. Returns for each what it threw or died of, in one line; empty if it returned. Throws Error if no process can be started.
std::vector<std::string> run_in_processes(std::size_t count, std::size_t workers, const std::function<void(std::size_t)> &task);

}  // namespace castnet

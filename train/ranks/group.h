// The processes that mpirun or srun started to train together.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/ranks.h"

namespace castnet {

class Group : public Ranks {
public:
    /// Returns the text of every process. All of them call it. Throws Error if one is lost.
    [[nodiscard]] virtual std::vector<std::string> gather_texts(const std::string &own) = 0;

    /// Returns the line with which this process reports its error, or nothing if another one reports it: if all fail at once, the first
    /// that knows a reason does. A process that fails by itself names itself.
    [[nodiscard]] virtual std::optional<std::string> report_of(const std::string &error) noexcept = 0;

    /// Ends this process's part, after its last report: together with the others, or, if it failed by itself, theirs too.
    virtual void leave() noexcept = 0;
};

/// Returns the group that this process was started in; null if it was started alone. Throws Error if it cannot join.
[[nodiscard]] std::unique_ptr<Group> join_group();

/// Returns whether this process writes and prints for its group: the first one does, and so does a process without a group.
[[nodiscard]] inline bool speaks_for(const Group *group) {
    return group == nullptr || group->place().rank == 0;
}

/// What a process reports when it no longer hears another one.
inline constexpr const char *lost_group = "another process ended or no longer answers";

/// Returns whether this process says so, or any other of the group. All of them call it. Throws Error if one is lost.
bool any(Group *group, bool own);

/// Something that all processes must have in common.
struct Fact {
    std::string name, value;
};

/// Throws Error if a process has other facts than the first one. All of them call it, with the same names.
void check_same(Group &group, const std::vector<Fact> &facts);

}  // namespace castnet

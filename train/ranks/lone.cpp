// What a build without MPI knows of groups: it refuses to be one of several copies.
#include <fmt/format.h>

#include "train/files/error.h"
#include "train/ranks/group.h"
#include "train/ranks/launcher.h"

namespace castnet {

std::unique_ptr<Group> join_group() {
    if (const int copies = launched_copies(); copies > 1)
        throw Error(
            fmt::format("mpirun or srun started {} copies, and this program was built without MPI; install libopenmpi-dev or libmpich-dev "
                        "and build again, or start one copy",
                        copies));
    return nullptr;
}

}  // namespace castnet

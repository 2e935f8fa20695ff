#include "train/ranks/launcher.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace castnet {

int launched_copies() {
    // Of Open MPI's mpirun, MPICH's, and srun. SLURM_NTASKS would be that of a whole batch script too, which one copy may run in.
    constexpr std::array variables{"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"};
    long copies = 1;
    for (const char *variable : variables) {
        if (const char *text = std::getenv(variable); text != nullptr) copies = std::max(copies, std::strtol(text, nullptr, 10));
    }
    return static_cast<int>(copies);
}

}  // namespace castnet

// What started the program: a shell, or a launcher of MPI programs.
#pragma once

namespace castnet {

/// Returns how many copies of the program mpirun or srun started together with this one; 1 if neither started it.
int launched_copies();

}  // namespace castnet

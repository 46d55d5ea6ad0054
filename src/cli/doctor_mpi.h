/* idem doctor --mpi: checks the connection of the launcher's ranks and measures their sums. */
#ifndef IDEM_CLI_DOCTOR_MPI_H
#define IDEM_CLI_DOCTOR_MPI_H

#include <stdbool.h>

int idem_doctor_mpi(bool json); /* the exit code */

#endif

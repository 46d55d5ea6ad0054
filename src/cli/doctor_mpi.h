/* idem doctor --mpi: whether the ranks of a launcher meet, and how fast they add. */
#ifndef IDEM_CLI_DOCTOR_MPI_H
#define IDEM_CLI_DOCTOR_MPI_H

#include <stdbool.h>

int idem_doctor_mpi(bool json); /* the exit code */

#endif

/* Programs as ranks of MPI, on this machine. */
#ifndef IDEM_TESTS_SUPPORT_MPI_H
#define IDEM_TESTS_SUPPORT_MPI_H

#include <stdbool.h>

/* As root in a container Open MPI wants to be told twice; its versions have other names for it. Its modules are
 * unloaded before a leak checker can name them. -np N and the program follow. */
#define MPIRUN                                                                                                         \
    "export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 "                       \
    "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1; env ASAN_OPTIONS=detect_leaks=0 mpirun --oversubscribe --bind-to none "

/* The same N shells, which know their number: EACH("2") "exec $IDEM ... $rank'". For program_run, within which the
 * command must not use single quotes. */
#define EACH(n) "export IDEM DIR; " MPIRUN "-np " n " sh -c 'rank=${OMPI_COMM_WORLD_RANK:-${PMIX_RANK:-$PMI_RANK}}; "

/* Whether mpirun and the plug-in are there; says "skip: why" if not. dir: of program_run. */
bool mpi_is_there(const char *dir);

#endif

#include "support/mpi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/program.h"

bool mpi_is_there(const char *dir) {
    const bool has = program_run(dir, "command -v mpirun && ls ${IDEM%%/*}/idem-mpi.so") == 0;
    if (!has)
        print_message("skip: mpirun or idem-mpi.so is not there\n");
    return has;
}

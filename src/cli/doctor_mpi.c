#include "cli/doctor_mpi.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "idem.h"

/* Sizes: an agreement, the statistics of a batch norm, the gradients of a small and of a default mapper. */
static const size_t floats[] = {1, 1024, 1 << 18, 1 << 24};
enum { SUMS = sizeof floats / sizeof *floats };

/* "alpha x 4, beta x 4" */
static void print_hosts(const idem_ranks *r) {
    printf("ranks      %d, %s:", r->size, *r->library ? r->library : "without MPI");
    for (int first = 0; first < r->size;) {
        int n = 1;
        while (first + n < r->size && !strcmp(idem_ranks_host(first), idem_ranks_host(first + n)))
            n++;
        printf("%s %s x %d", first ? "," : "", idem_ranks_host(first), n);
        first += n;
    }
    putchar('\n');
}

static void print_sums(const double *seconds, int ranks) {
    if (ranks == 1)
        puts("sums       there is only one rank: start more with mpirun -np N idem doctor --mpi");
    for (int i = 0; i < SUMS && ranks > 1; i++)
        printf("%-11s%10zu bytes %12.6f s %10.1f MB/s\n", i ? "" : "sums", 4 * floats[i], seconds[i],
               4e-6 * (double)floats[i] / seconds[i]);
}

static int print_json(const idem_ranks *r, const double *seconds) {
    json_t *hosts = json_array(), *sums = json_array();
    for (int i = 0; i < r->size; i++)
        json_array_append_new(hosts, json_string(idem_ranks_host(i)));
    for (int i = 0; i < SUMS && r->size > 1; i++)
        json_array_append_new(sums,
                              json_pack("{s:I, s:f}", "bytes", (json_int_t)(4 * floats[i]), "seconds", seconds[i]));
    json_t *root = json_pack("{s:{s:s, s:i, s:o, s:o}}", "mpi", "library", r->library, "ranks", r->size, "hosts", hosts,
                             "sums", sums);
    const int status = root && !json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) ? 0 : 1;
    putchar('\n');
    json_decref(root);
    return status;
}

int idem_doctor_mpi(bool json) {
    idem_ranks r = {.struct_size = sizeof r};
    double seconds[SUMS];
    int status = idem_ranks_join(1, &r);
    for (int i = 0; i < SUMS && !status; i++)
        status = idem_ranks_measure(floats[i], &seconds[i]);
    int code = status ? idem_cli_failed() : 0;
    if (!code && r.rank == 0) {
        if (json) {
            code = print_json(&r, seconds);
        } else {
            print_hosts(&r);
            print_sums(seconds, r.size);
        }
        fflush(stdout);
    }
    idem_ranks_leave(code);
    return code;
}

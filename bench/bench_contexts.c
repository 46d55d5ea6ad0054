/* The cost of further contexts of the same files in one process: milliseconds to open one, megabytes (of 10^6 bytes,
 * resident) of the context then and after its first picture.
 *
 *     bench_contexts GENERATOR MAPPER [THREADS] */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "idem.h"

enum { CONTEXTS = 3 };

static double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static double resident(void) {
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return 1e-6 * (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static int compose(idem_context *c) {
    idem_info info = {.struct_size = sizeof info};
    if (idem_get_info(c, &info))
        return -1;
    const size_t bytes = (size_t)info.size * (size_t)info.size * 3;
    uint8_t *rgb = malloc(2 * bytes);
    int status = rgb && !idem_sample(c, 1, 0.7f, 2, NULL, rgb) && !idem_compose(c, rgb, rgb + bytes, 1, rgb) ? 0 : -1;
    free(rgb);
    return status;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: %s GENERATOR MAPPER [THREADS]\n", argv[0]);
        return 2;
    }
    idem_options o;
    idem_options_default(&o);
    o.generator = argv[1];
    o.mapper = argv[2];
    o.batch = 1;
    o.threads = argc > 3 ? atoi(argv[3]) : 1;
    idem_context *contexts[CONTEXTS] = {NULL};
    int status = 0;
    printf("context  open ms  open MB  first picture ms  with it MB\n");
    for (int i = 0; i < CONTEXTS && !status; i++) {
        const double before = resident(), start = milliseconds();
        contexts[i] = idem_open(&o);
        const double opened = milliseconds(), held = resident();
        status = contexts[i] ? compose(contexts[i]) : -1;
        printf("%7d  %7.1f  %7.1f  %16.1f  %10.1f\n", i + 1, opened - start, held - before, milliseconds() - opened,
               resident() - before);
    }
    if (status)
        fprintf(stderr, "%s\n", idem_last_error());
    for (int i = 0; i < CONTEXTS; i++)
        idem_close(contexts[i]);
    return status ? 1 : 0;
}

#define _GNU_SOURCE
#include <omp.h>
#include <sched.h>

#include "engine/op.h"

static _Thread_local int threads;

static int cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set))
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

int idem_threads(void) {
    if (!threads)
        threads = cores();
    return threads;
}

void idem_threads_set(int n) {
    threads = n > 0 ? n : cores();
    omp_set_num_threads(threads); /* oneDNN takes its team from here */
}

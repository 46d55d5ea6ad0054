#define _GNU_SOURCE
#include "engine/threads.h"

#include <omp.h>
#include <sched.h>
#include <stdlib.h>

static _Thread_local int asked;

static int cores(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set))
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}

/* OpenMP's default. omp_get_max_threads cannot be used: it changes with every idem_team_enter. */
static int usual(void) {
    const char *set = getenv("OMP_NUM_THREADS");
    const long wanted = set ? strtol(set, NULL, 10) : 0; /* the first of a list for nested loops */
    return wanted > 0 ? wanted < IDEM_THREADS_MOST ? (int)wanted : IDEM_THREADS_MOST : cores();
}

/* OpenMP's rule for a region of n threads, without OMP_DYNAMIC. Inside another region a limit counts the threads of all
 * active regions, and oneDNN uses one thread: so do we. */
static int granted(int n) {
    const int limit = omp_get_max_active_levels() > 0 && !omp_in_parallel() ? omp_get_thread_limit() : 1;
    return n < limit ? n : limit;
}

int idem_threads(void) {
    if (!asked)
        asked = usual();
    return granted(asked);
}

void idem_threads_set(int n) {
    asked = n > 0 ? n : usual();
}

idem_team idem_team_enter(int threads) {
    const idem_team before = {asked, omp_get_max_threads(), omp_get_dynamic()};
    idem_threads_set(threads);
    omp_set_dynamic(0);
    omp_set_num_threads(idem_threads()); /* oneDNN uses this number */
    return before;
}

void idem_team_leave(const idem_team *before) {
    asked = before->asked;
    omp_set_dynamic(before->dynamic);
    omp_set_num_threads(before->openmp);
}

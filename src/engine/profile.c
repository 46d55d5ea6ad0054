#include "engine/profile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/status.h"

static atomic_bool on;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects all below */
static struct {
    idem_profile_sum *rows; /* one per name and operator, sorted by them; names in the arena */
    int n;
    idem_arena *names;
    idem_profile_total total;
    bool incomplete; /* out of memory for a plan's rows */
} all;

void idem_profile_start(void) {
    on = true;
}

bool idem_profile_on(void) {
    return on;
}

void idem_profile_stop(void) {
    on = false;
    pthread_mutex_lock(&lock);
    free(all.rows);
    idem_arena_free(all.names);
    memset(&all, 0, sizeof all);
    pthread_mutex_unlock(&lock);
}

/* ---- orders ---- */

static int by_node(const void *a, const void *b) {
    const idem_profile_sum *x = a, *y = b;
    int order = strcmp(x->op, y->op);
    return order || !x->name || !y->name ? order : strcmp(x->name, y->name);
}

static int by_seconds(const void *a, const void *b) {
    const idem_profile_sum *x = a, *y = b;
    return x->seconds != y->seconds ? (x->seconds < y->seconds) - (x->seconds > y->seconds) : by_node(a, b);
}

/* Merges rows sorted by by_node; returns their number. */
static int merge(idem_profile_sum *rows, int n) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
        if (!kept || by_node(&rows[kept - 1], &rows[i])) {
            rows[kept++] = rows[i];
            continue;
        }
        idem_profile_sum *to = &rows[kept - 1];
        to->seconds += rows[i].seconds;
        to->flops += rows[i].flops;
        to->bytes += rows[i].bytes;
        to->runs += rows[i].runs;
        to->nodes += rows[i].name ? 0 : rows[i].nodes; /* rows without names are different nodes */
    }
    return kept;
}

/* ---- in and out ---- */

/* Equal names share a row, so only new names are copied. */
static int add(const idem_profile_sum *steps, int n) {
    if (!all.names && !(all.names = idem_arena_new()))
        return -1;
    const int before = all.n;
    idem_profile_sum *fresh = malloc((size_t)n * sizeof *fresh);
    idem_profile_sum *rows = fresh ? realloc(all.rows, (size_t)(before + n) * sizeof *rows) : NULL;
    if (rows)
        all.rows = rows;
    int status = rows ? 0 : -1;
    if (!status) {
        memcpy(fresh, steps, (size_t)n * sizeof *fresh);
        qsort(fresh, (size_t)n, sizeof *fresh, by_node);
        n = merge(fresh, n);
    }
    for (int i = 0; i < n && !status; i++) {
        const idem_profile_sum *known = before ? bsearch(&fresh[i], rows, (size_t)before, sizeof *rows, by_node) : NULL;
        fresh[i].name = known ? known->name : idem_arena_strdup(all.names, fresh[i].name);
        fresh[i].nodes = 1;
        status = fresh[i].name ? 0 : -1;
    }
    if (!status) {
        memcpy(rows + before, fresh, (size_t)n * sizeof *fresh);
        qsort(rows, (size_t)(before + n), sizeof *rows, by_node);
        all.n = merge(rows, before + n);
    }
    free(fresh);
    return status;
}

void idem_profile_add(const idem_profile_sum *steps, int n, int64_t runs, double seconds) {
    pthread_mutex_lock(&lock);
    all.total.plans++;
    all.total.runs += runs;
    all.total.seconds += seconds;
    if (!steps || (n > 0 && add(steps, n)))
        all.incomplete = true;
    pthread_mutex_unlock(&lock);
}

idem_profile_sum *idem_profile_sums(idem_profile_by by, int *n) {
    pthread_mutex_lock(&lock);
    idem_profile_sum *rows = all.incomplete ? NULL : malloc((size_t)(all.n + 1) * sizeof *rows);
    *n = rows ? all.n : 0;
    if (rows && all.n)
        memcpy(rows, all.rows, (size_t)all.n * sizeof *rows);
    pthread_mutex_unlock(&lock);
    if (!rows)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the profile");
    for (int i = 0; i < *n && by == IDEM_PROFILE_BY_OPERATOR; i++)
        rows[i].name = NULL;
    *n = merge(rows, *n); /* already sorted by operator */
    qsort(rows, (size_t)*n, sizeof *rows, by_seconds);
    return rows;
}

idem_profile_total idem_profile_totals(void) {
    pthread_mutex_lock(&lock);
    const idem_profile_total total = all.total;
    pthread_mutex_unlock(&lock);
    return total;
}

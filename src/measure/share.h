/* Processes that measure together, its ranks: parts of the work (batches, pairs) go round the ranks, each fills its
 * rows of a table that is 0 elsewhere, and the sum is the table that one process would have made, bit for bit. */
#ifndef IDEM_MEASURE_SHARE_H
#define IDEM_MEASURE_SHARE_H

#include <stdbool.h>
#include <stddef.h>

/* The functions make x[n] the sum of everybody's; all ranks call them in the same order. .ranks 1: they are not called.
 */
typedef struct {
    int rank, ranks;
    int (*sum)(const void *of, float *x, size_t n);
    int (*sum_doubles)(const void *of, double *x, size_t n);
    const void *of;
} idem_measure_share;

#define IDEM_MEASURE_ALONE ((idem_measure_share){.ranks = 1})

static inline bool idem_share_has(const idem_measure_share *s, size_t part) {
    return part % (size_t)s->ranks == (size_t)s->rank;
}

/* x[n], of which this rank has filled its rows and the others are 0, becomes whole. */
static inline int idem_share_join(const idem_measure_share *s, float *x, size_t n) {
    return s->ranks > 1 ? s->sum(s->of, x, n) : 0;
}
static inline int idem_share_join_doubles(const idem_measure_share *s, double *x, size_t n) {
    return s->ranks > 1 ? s->sum_doubles(s->of, x, n) : 0;
}

#endif

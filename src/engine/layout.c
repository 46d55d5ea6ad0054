#include "engine/layout.h"

#include <stdlib.h>

#include "base/status.h"

enum { ALIGN = 64 };

static const idem_span *sorting; /* qsort has no context; planning is single-threaded per thread */
#pragma omp threadprivate(sorting)

static int by_size(const void *a, const void *b) {
    int i = *(const int *)a, j = *(const int *)b;
    const idem_span *x = &sorting[i], *y = &sorting[j];
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return i < j ? -1 : 1; /* ties by position: so that the plan is a fixed function of the graph */
}

int idem_layout(idem_span *spans, int n, size_t *total) {
    int *order = calloc((size_t)n + 1, sizeof *order), *placed = calloc((size_t)n + 1, sizeof *placed);
    if (!order || !placed) {
        free(order);
        free(placed);
        return idem_fail_as(IDEM_MEMORY, "out of memory for planning %d values", n);
    }
    for (int i = 0; i < n; i++) {
        order[i] = i;
        spans[i].bytes = (spans[i].bytes + ALIGN - 1) / ALIGN * ALIGN;
    }
    sorting = spans;
    qsort(order, (size_t)n, sizeof *order, by_size);
    *total = 0;
    int count = 0; /* placed[0..count) is sorted by offset */
    for (int k = 0; k < n; k++) {
        idem_span *s = &spans[order[k]];
        size_t at = 0;
        for (int i = 0; i < count; i++) {
            const idem_span *p = &spans[placed[i]];
            if (p->last < s->first || p->first > s->last)
                continue;
            if (p->offset >= at + s->bytes)
                break;
            if (p->offset + p->bytes > at)
                at = p->offset + p->bytes;
        }
        s->offset = at;
        if (at + s->bytes > *total)
            *total = at + s->bytes;
        int i = count++;
        for (; i > 0 && spans[placed[i - 1]].offset > at; i--)
            placed[i] = placed[i - 1];
        placed[i] = order[k];
    }
    free(order);
    free(placed);
    return 0;
}

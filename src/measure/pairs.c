#include "measure/pairs.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"

struct idem_pairs {
    idem_pairs_kind kind;
    void *self;
    int n, size, bad;
    int *index; /* [n]: index of the source's pair */
    idem_pairs_told *told;
    void *user;
};

static const idem_left_out nothing;

idem_pairs *idem_pairs_new(const idem_pairs_kind *kind, void *self, int n, int size) {
    idem_pairs *p = calloc(1, sizeof *p);
    int *index = malloc((size_t)(n > 0 ? n : 1) * sizeof *index);
    if (!p || !index) {
        free(p);
        free(index);
        if (kind->free)
            kind->free(self);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    }
    for (int i = 0; i < n; i++)
        index[i] = i;
    *p = (idem_pairs){.kind = *kind, .self = self, .n = n, .size = size, .index = index};
    return p;
}

void idem_pairs_free(idem_pairs *p) {
    if (!p)
        return;
    if (p->kind.free)
        p->kind.free(p->self);
    free(p->index);
    free(p);
}

int idem_pairs_count(const idem_pairs *p) {
    return p->n;
}

int idem_pairs_size(const idem_pairs *p) {
    return p->size;
}

bool idem_pairs_have_codes(const idem_pairs *p) {
    return p->kind.codes;
}

const char *idem_pairs_name(const idem_pairs *p, int i) {
    return p->kind.name ? p->kind.name(p->self, p->index[i]) : NULL;
}

const char *idem_pairs_path(const idem_pairs *p, int i, int side) {
    return p->kind.path ? p->kind.path(p->self, p->index[i], side) : NULL;
}

const idem_left_out *idem_pairs_left_out(const idem_pairs *p) {
    return p->kind.left_out ? p->kind.left_out(p->self) : &nothing;
}

void idem_pairs_listen(idem_pairs *p, idem_pairs_told *told, void *user) {
    p->told = told;
    p->user = user;
}

void idem_pairs_tell(const idem_pairs *p, const char *line) {
    if (p->told)
        p->told(p->user, line);
}

/* ---- reading ---- */

static size_t numbers(const idem_pairs *p) {
    return (size_t)p->size * (size_t)p->size * 3;
}

int idem_pairs_read_which(idem_pairs *p, const int *which, int n, float *x_id, float *x_attr) {
    if (!p->kind.read_many) {
        for (int i = 0; i < n; i++)
            if (p->kind.read(p->self, p->index[which[i]], x_id ? x_id + (size_t)i * numbers(p) : NULL,
                             x_attr ? x_attr + (size_t)i * numbers(p) : NULL))
                return -1;
        return 0;
    }
    int *of = malloc((size_t)n * sizeof *of + 1);
    if (!of)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    for (int i = 0; i < n; i++)
        of[i] = p->index[which[i]];
    const int status = p->kind.read_many(p->self, of, n, x_id, x_attr);
    free(of);
    return status;
}

static int read_good(idem_pairs *p, int first, int n, float *x_id, float *x_attr, uint8_t *good) {
    char line[1100];
    for (int i = 0; i < n; i++) {
        const size_t at = (size_t)i * numbers(p);
        good[i] = !p->kind.read(p->self, p->index[first + i], x_id ? x_id + at : NULL, x_attr ? x_attr + at : NULL);
        if (good[i])
            continue;
        if (idem_error_kind() != IDEM_INPUT)
            return -1;
        snprintf(line, sizeof line, "passed over: %s", idem_error());
        idem_pairs_tell(p, line);
        p->bad++;
        for (size_t k = 0; k < numbers(p); k++) {
            if (x_id)
                x_id[at + k] = 0;
            if (x_attr)
                x_attr[at + k] = 0;
        }
    }
    return 0;
}

int idem_pairs_read(idem_pairs *p, int first, int n, float *x_id, float *x_attr, uint8_t *good) {
    if (good && p->kind.read)
        return read_good(p, first, n, x_id, x_attr, good);
    for (int i = 0; good && i < n; i++)
        good[i] = 1;
    int *which = malloc((size_t)n * sizeof *which + 1);
    if (!which)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    for (int i = 0; i < n; i++)
        which[i] = first + i;
    const int status = idem_pairs_read_which(p, which, n, x_id, x_attr);
    free(which);
    return status;
}

int idem_pairs_codes(idem_pairs *p, int first, int n, float *w_id, float *w_attr) {
    return p->kind.codes ? p->kind.codes(p->self, p->index + first, n, w_id, w_attr)
                         : idem_fail("given pictures have no codes to mix");
}

void idem_pairs_keep(idem_pairs *p, const uint8_t *keep) {
    int n = 0;
    for (int i = 0; i < p->n; i++)
        if (keep[i])
            p->index[n++] = p->index[i];
    p->n = n;
}

int idem_pairs_bad(const idem_pairs *p) {
    return p->bad;
}

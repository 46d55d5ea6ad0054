#include <stdio.h>
#include <string.h>

#include "engine/graph.h"

int64_t idem_shape_count(const idem_shape *s) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->d[i];
    return n;
}

bool idem_shape_equal(const idem_shape *a, const idem_shape *b) {
    return a->rank == b->rank && memcmp(a->d, b->d, (size_t)a->rank * sizeof a->d[0]) == 0;
}

void idem_shape_strides(const idem_shape *s, int64_t stride[IDEM_MAX_RANK]) {
    if (s->rank == 4) { /* channels-last */
        stride[1] = 1;
        stride[3] = s->d[1];
        stride[2] = stride[3] * s->d[3];
        stride[0] = stride[2] * s->d[2];
        return;
    }
    int64_t step = 1;
    for (int i = s->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= s->d[i];
    }
}

const char *idem_shape_text(const idem_shape *s, char text[64]) {
    size_t n = 0;
    text[n++] = '[';
    for (int i = 0; i < s->rank && n < 60; i++) {
        int k = snprintf(text + n, 62 - n, "%s%lld", i ? ", " : "", (long long)s->d[i]);
        n += k > 0 ? (size_t)k : 0;
        if (n > 61)
            n = 61;
    }
    text[n++] = ']';
    text[n] = 0;
    return text;
}

int idem_shape_broadcast(idem_shape *out, const idem_shape *a, const idem_shape *b) {
    int rank = a->rank > b->rank ? a->rank : b->rank;
    idem_shape r = {.rank = rank};
    for (int i = 0; i < rank; i++) {
        int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
        int64_t da = ia < 0 ? 1 : a->d[ia], db = ib < 0 ? 1 : b->d[ib];
        if (da != db && da != 1 && db != 1) {
            char ta[64], tb[64];
            return idem_fail("shapes %s and %s do not broadcast", idem_shape_text(a, ta), idem_shape_text(b, tb));
        }
        r.d[i] = da > db ? da : db;
    }
    *out = r;
    return 0;
}

void idem_from_rowmajor(float *memory, const float *rowmajor, const idem_shape *s) {
    if (s->rank != 4) {
        memcpy(memory, rowmajor, (size_t)idem_shape_count(s) * sizeof(float));
        return;
    }
    int64_t C = s->d[1], P = s->d[2] * s->d[3];
    for (int64_t n = 0; n < s->d[0]; n++)
        for (int64_t c = 0; c < C; c++)
            for (int64_t p = 0; p < P; p++)
                memory[(n * P + p) * C + c] = rowmajor[(n * C + c) * P + p];
}

void idem_to_rowmajor(float *rowmajor, const float *memory, const idem_shape *s) {
    if (s->rank != 4) {
        memcpy(rowmajor, memory, (size_t)idem_shape_count(s) * sizeof(float));
        return;
    }
    int64_t C = s->d[1], P = s->d[2] * s->d[3];
    for (int64_t n = 0; n < s->d[0]; n++)
        for (int64_t c = 0; c < C; c++)
            for (int64_t p = 0; p < P; p++)
                rowmajor[(n * C + c) * P + p] = memory[(n * P + p) * C + c];
}

#include "compose/code_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"

float *idem_code_row(const idem_code_rows *r, int i) {
    return r->at + (size_t)i * r->width;
}

int idem_code_rows_reserve(idem_code_rows *r, int n, const char *what) {
    if (n <= r->capacity)
        return 0;
    const size_t capacity = (size_t)(n > 2 * r->capacity ? n : 2 * r->capacity);
    float *at = realloc(r->at, capacity * r->width * sizeof *at);
    if (!at)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu %s", capacity, what);
    r->at = at;
    r->capacity = (int)capacity;
    return 0;
}

void idem_code_rows_copy(const idem_code_rows *r, float *rows) {
    if (r->n)
        memcpy(rows, r->at, (size_t)r->n * r->width * sizeof *rows);
}

int idem_code_rows_take(idem_code_rows *r, const float *rows, int n, const char *what) {
    if (idem_code_rows_reserve(r, n, what))
        return -1;
    if (n)
        memcpy(r->at, rows, (size_t)n * r->width * sizeof *rows);
    r->n = n;
    return 0;
}

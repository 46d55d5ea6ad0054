/* Only for src/compose: growing rows of codes that can be stored and restored, for persons and surrogates. */
#ifndef IDEM_COMPOSE_CODE_ROWS_H
#define IDEM_COMPOSE_CODE_ROWS_H

#include <stddef.h>

typedef struct {
    float *at;    /* [capacity, width], of which n are used; free() */
    size_t width; /* set by the owner before the first is added */
    int n, capacity;
} idem_code_rows;

float *idem_code_row(const idem_code_rows *r, int i); /* [width] */
/* Reserves n rows; what: their owner, for the message. */
int idem_code_rows_reserve(idem_code_rows *r, int n, const char *what);
/* Copies all to rows [n, width]; replaces all from rows. */
void idem_code_rows_copy(const idem_code_rows *r, float *rows);
int idem_code_rows_take(idem_code_rows *r, const float *rows, int n, const char *what);

#endif

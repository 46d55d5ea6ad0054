/* A .npy file of [rows, width] floats, row by row, if their number is known only at the end.
 *
 *     idem_npy_rows r;
 *     if (!idem_npy_rows_open(&r, path, width)) {
 *         idem_npy_rows_add(&r, rows, n); ...
 *         status = idem_npy_rows_commit(&r);   // or idem_writer_abort(&r.out)
 *     } */
#ifndef IDEM_FORMAT_NPY_ROWS_H
#define IDEM_FORMAT_NPY_ROWS_H

#include <stddef.h>

#include "base/file.h"

typedef struct {
    idem_writer out;
    size_t width, rows;
} idem_npy_rows;

int idem_npy_rows_open(idem_npy_rows *r, const char *path, size_t width);
void idem_npy_rows_add(idem_npy_rows *r, const float *rows, size_t n); /* commit reports failures */
int idem_npy_rows_commit(idem_npy_rows *r);

#endif

/* The public library's codes in files (include/idem/compose.h) over format/npy_rows.h. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "base/status.h"
#include "format/npy_rows.h"
#include "idem.h"

struct idem_table {
    idem_npy_rows rows;
};

idem_table *idem_open_table(const char *path, int width, int is_private) {
    if (!path || width < 1)
        return idem_fail_null("idem_open_table: %s", path ? "width is not positive" : "an argument is NULL");
    idem_table *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a table");
    if (idem_npy_rows_open(&t->rows, path, (size_t)width)) {
        free(t);
        return NULL;
    }
    if (is_private)
        idem_writer_make_private(&t->rows.out);
    return t;
}

int idem_add_rows(idem_table *t, const float *rows, int n) {
    if (!t || !rows || n < 0)
        return idem_fail("idem_add_rows: %s", n < 0 ? "n is negative" : "an argument is NULL");
    idem_npy_rows_add(&t->rows, rows, (size_t)n);
    return 0;
}

int idem_finish_table(idem_table *t) {
    if (!t)
        return idem_fail("idem_finish_table: an argument is NULL");
    const int status = idem_npy_rows_commit(&t->rows);
    free(t);
    return status;
}

void idem_abandon_table(idem_table *t) {
    if (!t)
        return;
    idem_writer_abort(&t->rows.out);
    free(t);
}

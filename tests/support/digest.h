/* Comparing numbers with an oracle's, and keeping count of them. A tensor is compared by its digest: its norm and its
 * product with a filled direction, which is what a small fixture can hold of it. */
#ifndef IDEM_TESTS_SUPPORT_DIGEST_H
#define IDEM_TESTS_SUPPORT_DIGEST_H

#include <stddef.h>

#include <jansson.h>

typedef struct {
    const char *salt; /* of the directions */
    double tolerance, worst;
    int compared;
    char worst_name[128];
} digest_count;

/* |got - want| relative to the scale of what is compared; beyond the tolerance the test fails. */
void digest_compare(digest_count *c, const char *what, const char *name, double got, double want, double scale);

/* x [count], row-major, against [norm, product], both relative to the norm. */
void digest_check(digest_count *c, const char *what, const char *name, const float *x, size_t count,
                  const json_t *want);

/* Says how many numbers were compared since the last time, at least one, and the worst error. */
void digest_report(digest_count *c, const char *what);

#endif

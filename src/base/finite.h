/* NaN and infinity in results. */
#ifndef IDEM_BASE_FINITE_H
#define IDEM_BASE_FINITE_H

#include <stddef.h>

/* The index of the first of n numbers that is not finite; n if all are finite. */
size_t idem_find_not_finite(const float *x, size_t n);

/* 0, or -1 with a message of kind IDEM_INTERNAL, "NETWORK gives numbers that are not finite ...". */
int idem_check_finite(const float *x, size_t n, const char *network);

#endif

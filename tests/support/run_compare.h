/* Compares runs of trainings by what they have written. */
#ifndef IDEM_TESTS_SUPPORT_RUN_COMPARE_H
#define IDEM_TESTS_SUPPORT_RUN_COMPARE_H

#include <stddef.h>

/* A loss of a run's iteration; NaN: it has none. */
double run_loss(const char *dir, const char *run, int iteration, const char *name);
/* Every loss that one of two runs has at this iteration differs by `tolerance` of it at most; `least` of the names are
 * there. names: NULL-terminated. */
void run_expect_losses(const char *dir, const char *a, const char *b, int iteration, const char *const *names,
                       int least, double tolerance);
/* |a - b| / |a| over the tensors of a prefix in the checkpoints of an iteration. */
double run_distance(const char *dir, const char *a, const char *b, const char *prefix, int iteration);
/* The test fails unless it is at most `most` for each of n prefixes; says which are not. */
void run_expect_near(const char *dir, const char *a, const char *b, const char *const *prefix, size_t n, int iteration,
                     double most);

#endif

/* The rule that fills every tensor and input of a fixture: see tests/fixtures/README.md. */
#ifndef IDEM_TESTS_SUPPORT_FILL_H
#define IDEM_TESTS_SUPPORT_FILL_H

#include <stddef.h>

/* out[i] = (2 u_i - 1) a + b, u_i in [0, 1) from the i-th number of the stream named salt + name. */
void fixture_fill(float *out, size_t count, const char *salt, const char *name, double a, double b);

#endif

#include "base/finite.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"

enum { BLOCK = 256 };

size_t idem_find_not_finite(const float *x, size_t n) {
    size_t at = 0;
    for (; at + BLOCK <= n; at += BLOCK) { /* fast: an exponent of all ones is NaN or infinity */
        uint32_t bits[BLOCK], found = 0;
        memcpy(bits, x + at, sizeof bits);
        for (int i = 0; i < BLOCK; i++)
            found |= (bits[i] & UINT32_C(0x7f800000)) == UINT32_C(0x7f800000);
        if (found)
            break;
    }
    while (at < n && isfinite(x[at]))
        at++;
    return at;
}

int idem_check_finite(const float *x, size_t n, const char *network) {
    const size_t at = idem_find_not_finite(x, n);
    return at == n ? 0
                   : idem_fail_as(IDEM_INTERNAL,
                                  "%s gives numbers that are not finite (%zu of %zu is %f): its weights are damaged, "
                                  "or too large for its input",
                                  network, at, n, (double)x[at]);
}

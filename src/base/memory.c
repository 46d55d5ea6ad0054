#define _POSIX_C_SOURCE 200809L
#include "base/memory.h"

#include <sys/resource.h>

double idem_peak_rss_mb(void) {
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) ? 0 : (double)u.ru_maxrss * 1024e-6; /* the system counts 1024 bytes */
}
